"""The recipe of a training: a preset or file, changed by a data set, a model to train on, and numbers."""

from collections.abc import Mapping
from pathlib import Path

from core.errors import TrainingError
from core.photo.label_values import LabelValues
from core.training.config import FINE_TUNING, SourceSection, TrainingConfig, load_config, load_preset


def proposed_hold_out(photographs: int) -> int:
    """How many of a data set's training photographs choose weights and threshold where it has none for that.

    A third of them, at least one, at most as many as the recipes hold out.
    """
    return max(1, min(SourceSection().validation_photos, photographs // 3))


def make_recipe(
    *,
    dataset: str | None = None,
    preset: str | None = None,
    config: Path | None = None,
    start_from: str | None = None,
    teacher: str | None = None,
    architecture: str | None = None,
    network: Mapping[str, bool | int | float | str] | None = None,
    name: str | None = None,
    steps: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    hold_out: int | None = None,
    values: LabelValues | None = None,
) -> TrainingConfig:
    """A recipe with everything that is given in the place of its own.

    Parameters
    ----------
    dataset : see ``SourceSection.dataset``; in the place of all sources where the recipe has several.
    preset, config : the recipe by name, or as a TOML file; neither: that for fine-tuning where ``start_from`` is given,
        else the defaults.
    start_from : the model to train on, by name or weights file.
    teacher : the model that is learned from beside the labels, by name or weights file.
    architecture : family of the network, in the place of the recipe's; another one has its usual fields.
    network : fields of the family, such as width.
    name : of the model that is made.
    hold_out : photographs of each source that choose weights and threshold, and are not learned from.
    values : what the values of the labels mean, in every source.

    Raises
    ------
    TrainingError : both preset and config, both a network and a model to start from, an unknown preset, a wrong value
        or file.
    """
    if config is not None and preset is not None:
        raise TrainingError("A preset and a configuration file both give the whole recipe; leave one of them out.")
    if start_from is not None and (architecture is not None or network):
        raise TrainingError(
            "A model that is trained on keeps its network: leave out the model, or architecture and network."
        )
    if preset is None and config is None and start_from is not None:
        preset = FINE_TUNING
    recipe = load_config(config) if config else load_preset(preset) if preset else TrainingConfig()
    if dataset is not None:
        changed = {"dataset": dataset}
        single = len(recipe.data.sources) == 1  # its other fields stay
        recipe = recipe.replaced("data", **(changed if single else {"sources": [changed]}))
    in_sources: dict[str, object] = {} if hold_out is None else {"validation_photos": hold_out}
    if values is not None:
        in_sources |= {"vessel_values": values.vessel_text, "ignored_values": values.ignored_text}
    if in_sources:
        recipe = recipe.replaced("data", sources=[one.model_dump() | in_sources for one in recipe.data.sources])
    if start_from is not None:
        recipe = recipe.replaced("network", start_from=start_from)
    if teacher is not None:
        recipe = recipe.replaced("teacher", model=teacher)
    if architecture is not None and architecture != recipe.network.architecture:
        recipe = recipe.replaced("network", architecture=architecture, config={})
    if network:
        recipe = recipe.replaced("network", config={**recipe.network.config, **network})
    if steps is not None:
        recipe = recipe.replaced("optimisation", steps=steps)
    in_run = {"name": name, "seed": seed, "threads": threads}
    return recipe.replaced("run", **{key: value for key, value in in_run.items() if value is not None})
