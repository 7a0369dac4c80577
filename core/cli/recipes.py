"""The options that make a training recipe, which ``serr train`` and ``serr jobs start`` share."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from core.cli.console import UsageError, say
from core.cli.options import (
    IgnoreValues,
    VesselValues,
    checked_dataset,
    checked_values,
    found_model,
    one_of,
)

if TYPE_CHECKING:
    from core.training.config import TrainingConfig
    from core.training.estimate import Estimate

Root = Annotated[
    Path, typer.Option("--root", help="Folder of the data sets, or the folder that holds them; here by default.")
]


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """What was said on the command line; each field is an option (see ``takes_recipe``)."""

    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="drive, stare, chase_db1 or hrf; a data set file (NAME.serr-dataset), or a folder with a slash in its "
            "name; default drive, or the configuration's.",
        ),
    ]
    vessel_values: VesselValues
    ignore_values: IgnoreValues
    hold_out: Annotated[
        int | None,
        typer.Option(
            "--hold-out",
            min=0,
            help="Photographs that are held out to choose weights and threshold; 0: none, for a data set that is too "
            "small (the choice is then made on the photographs that were learned from). Photographs of a validation "
            "part are always held out.",
        ),
    ]
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            help="Recipe that ships with the program: that of a model by the model's name; a wrong name lists all.",
        ),
    ]
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with the recipe; fields left out have their defaults.")
    ]
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Model to train on (fine-tuning), by name or weights file; its network and its preprocessing are "
            "kept.",
        ),
    ]
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            help="Model whose probabilities are learned from, beside the labels (distillation): a larger one teaches a "
            "smaller one.",
        ),
    ]
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture", help="Network to train from scratch; 'serr models architectures' lists and explains them."
        ),
    ]
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="FIELD=VALUE", help="Field of that network, such as width=32; repeatable."),
    ]
    name: Annotated[str | None, typer.Option("--name", help="Name of the model that is made.")]
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps, instead of the recipe's.")]
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Random seed, instead of the recipe's.")]
    threads: Annotated[int | None, typer.Option("--threads", min=0, help="CPU threads; 0 for all.")]

    @property
    def given(self) -> list[str]:
        """The options that were used, by their names on the command line."""
        names = {"start_from": "--from"}
        return [
            names.get(f.name, f"--{f.name.replace('_', '-')}")
            for f in fields(self)
            if getattr(self, f.name) not in (None, [])
        ]

    def recipe(self) -> "TrainingConfig":
        """The recipe that the options make together.

        Raises
        ------
        UsageError : options that contradict one another, or an unknown name. TrainingError : a wrong value or file.
        """
        if self.config is not None and self.preset is not None:
            raise UsageError("--config and --preset both give the whole recipe; leave one of them out.")
        if self.dataset is not None:
            checked_dataset(self.dataset)
        from core.training.config import presets, recipes_of_models
        from core.training.recipes import make_recipe

        preset = self.preset
        if preset is not None:
            preset = one_of("--preset", preset, (*presets(), *recipes_of_models()))
        if self.architecture is not None:
            from core.networks.families import architectures

            one_of("--architecture", self.architecture, architectures())
        values = checked_values(self.vessel_values, self.ignore_values)
        return make_recipe(
            dataset=self.dataset,
            preset=preset,
            config=self.config,
            start_from=None if self.start_from is None else str(found_model(self.start_from)),
            teacher=None if self.teacher is None else str(found_model(self.teacher)),
            architecture=self.architecture,
            network=dict(_field(text) for text in self.network or []),
            name=self.name,
            steps=self.steps,
            seed=self.seed,
            threads=self.threads,
            hold_out=self.hold_out,
            values=values,
        )


def _field(text: str) -> tuple[str, int | str]:
    """``width=32`` as the name and the value of a field of a network."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise UsageError(f"--network {text!r:.80} is not FIELD=VALUE, such as width=32.")
    try:
        return name, int(value)
    except ValueError:
        return name, value


def takes_recipe(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command have all of ``RecipeOptions`` as options of its own, in the place of its parameter ``options``."""
    names = [f.name for f in fields(RecipeOptions)]
    hints = get_type_hints(RecipeOptions, include_extras=True)
    single = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hints[name]) for name in names
    ]
    own = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        parameters += single if parameter.name == "options" else [parameter]

    def with_options(**values: Any) -> None:
        command(options=RecipeOptions(**{name: values.pop(name) for name in names}), **values)

    with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options


def say_estimate(estimate: "Estimate") -> None:
    """The estimate as a few readable lines."""
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
