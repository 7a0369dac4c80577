"""``serr.train``: a thin way into the training that ``serr train`` runs."""

import os
from collections.abc import Mapping

from core.api.arguments import PathLike, Values, as_path, as_values, described
from core.datasets.layouts import data_set_names
from core.errors import ArgumentError
from core.networks.families import FAMILIES
from core.progress import SILENT, Monitor
from core.training.loop import TrainingResult
from core.training.loop import train as run_training
from core.training.recipes import make_recipe

__all__ = ["TrainingResult", "train"]


def train(
    dataset: PathLike,
    out: PathLike,
    *,
    model: PathLike | None = None,
    preset: str | None = None,
    config: PathLike | None = None,
    architecture: str | None = None,
    network: Mapping[str, int | str] | None = None,
    root: PathLike = ".",
    name: str | None = None,
    steps: int | None = None,
    seed: int | None = None,
    hold_out: int | None = None,
    vessel_values: Values | None = None,
    ignore_values: Values | None = None,
    device: str = "auto",
    resume: bool = False,
    monitor: Monitor = SILENT,
) -> TrainingResult:
    """Train a network on photographs with labels.

    Parameters
    ----------
    dataset : "drive", "stare", "chase_db1" or "hrf"; a data set file (NAME.serr-dataset), or a folder.
    out : folder of the run: curves, checkpoint, weights.
    model : the model to fine-tune, by name or weights file; None trains from scratch.
    preset, config : the recipe: a name that ships with the program, or a TOML file; neither: the usual one.
    architecture : the network to train from scratch, a name from ``serr.architectures()``; None: the recipe's.
    network : fields of it, such as ``{"width": 32}``; the others are its usual ones.
    root : folder of the published data sets, or the folder that holds them.
    name, steps, seed : in the place of what the recipe says.
    hold_out : photographs that choose weights and threshold and are not learned from; for data sets of few photographs.
    vessel_values, ignore_values : of labels of more than two values, as for ``serr.evaluate``.
    resume : take up the run in ``out`` from its last checkpoint.
    monitor : gets the progress; ``Cancelled`` from it ends the run, which can be resumed.

    Returns
    -------
    Where the best weights are, at which step they were reached, and their validation. ``result.weights`` can be given
    to ``serr.segment`` as its model.

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.
    """
    if not isinstance(dataset, str | os.PathLike) or not os.fspath(dataset):
        raise ArgumentError(f"dataset must be the name or path of a data set, not {described(dataset)}.")
    for field, value, least in (("steps", steps, 1), ("seed", seed, 0), ("hold_out", hold_out, 1)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise ArgumentError(f"{field} must be a whole number of at least {least}, not {described(value)}.")
    if architecture is not None and architecture not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ArgumentError(f"architecture must be one of {known}, not {described(architecture)}.")
    if network is not None and not isinstance(network, Mapping):
        raise ArgumentError(
            f"network must be a dictionary of fields, such as {{'width': 32}}, not {described(network)}."
        )
    recipe = make_recipe(
        dataset=_data_set(dataset),
        preset=preset,
        config=as_path(config, "config") if config is not None else None,
        start_from=os.fspath(model) if model is not None else None,
        architecture=architecture,
        network=network,
        name=name,
        steps=steps,
        seed=seed,
        hold_out=hold_out,
        values=as_values(vessel_values, ignore_values),
    )
    place = as_path(out, "out")
    return run_training(recipe, as_path(root, "root"), place, resume=resume, device=device, monitor=monitor)


def _data_set(dataset: PathLike) -> str:
    """A published data set stays a name; a folder or file becomes a path that does not depend on ``root``."""
    text = os.fspath(dataset)
    if isinstance(dataset, str) and text in data_set_names():
        return text
    return str(as_path(dataset, "dataset").absolute())
