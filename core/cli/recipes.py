"""The options that make a training recipe, which ``serr train`` and ``serr jobs start`` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import UsageError, say
from core.cli.options import checked_dataset, found_model, one_of

if TYPE_CHECKING:
    from core.training.config import TrainingConfig
    from core.training.estimate import Estimate

Root = Annotated[
    Path, typer.Option("--root", help="Folder of the data sets, or the folder that holds them; here by default.")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="drive, stare, chase_db1 or hrf; a data set file (NAME.serr-dataset), or a folder with a slash in its "
        "name; default drive, or the configuration's.",
    ),
]
Preset = Annotated[
    str | None, typer.Option("--preset", help="Recipe that ships with the program; a wrong name lists them.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file with the recipe; fields left out have their defaults.")
]
StartFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Model to train on (fine-tuning), by name or weights file; its network and its preprocessing are kept.",
    ),
]
Name = Annotated[str | None, typer.Option("--name", help="Name of the model that is made.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps, instead of the recipe's.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Random seed, instead of the recipe's.")]
Threads = Annotated[int | None, typer.Option("--threads", min=0, help="CPU threads; 0 for all.")]


def chosen_recipe(
    *,
    dataset: str | None,
    preset: str | None,
    config: Path | None,
    start_from: str | None,
    name: str | None,
    steps: int | None,
    seed: int | None,
    threads: int | None,
) -> "TrainingConfig":
    """The recipe that the options make together.

    Raises
    ------
    UsageError : options that contradict one another, or an unknown name. TrainingError : a wrong value or file.
    """
    if config is not None and preset is not None:
        raise UsageError("--config and --preset both give the whole recipe; leave one of them out.")
    if dataset is not None:
        checked_dataset(dataset)
    from core.training.config import FINE_TUNING, TrainingConfig, load_config, load_preset, presets

    if preset is None and config is None and start_from is not None:
        preset = FINE_TUNING
    if preset is not None:
        recipe = load_preset(one_of("--preset", preset, presets()))
    else:
        recipe = load_config(config) if config else TrainingConfig()
    if dataset is not None:
        single = len(recipe.data.sources) == 1  # its other fields stay
        recipe = recipe.replaced("data", **({"dataset": dataset} if single else {"sources": [{"dataset": dataset}]}))
    if start_from is not None:
        recipe = recipe.replaced("network", start_from=str(found_model(start_from)))
    if steps is not None:
        recipe = recipe.replaced("optimisation", steps=steps)
    in_run = {"name": name, "seed": seed, "threads": threads}
    return recipe.replaced("run", **{key: value for key, value in in_run.items() if value is not None})


def say_estimate(estimate: "Estimate") -> None:
    """The estimate as a few lines for a person."""
    say(f"device            {estimate.device}")
    say(f"time              {duration(estimate.total_s)} for {estimate.steps} steps")
    say(f"  reading         {duration(estimate.reading_s)}")
    say(f"  a step          {estimate.step_s:.3g} s, {estimate.images_per_s:.3g} crops a second")
    say(f"  a validation    {duration(estimate.validation_s)}, {estimate.validations} times")
    say(f"memory            {_gigabytes(estimate.memory_bytes)}{_of(estimate.free_memory_bytes)}")
    if estimate.device_bytes:
        say(f"  of the device   {_gigabytes(estimate.device_bytes)}{_of(estimate.free_device_bytes)}")
    say(f"room on the disk  {_gigabytes(estimate.disk_bytes)}")


def duration(seconds: float) -> str:
    """A time in the two units that matter."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def _of(free: int | None) -> str:
    return "" if free is None else f" (free: {_gigabytes(free)})"
