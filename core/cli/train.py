"""``serr train``: train a network on a data set."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import UsageError, monitored, say, say_json
from core.cli.options import DEVICE_HELP, checked_dataset, checked_device, one_of
from core.progress import Cancelled

if TYPE_CHECKING:
    from core.training.config import TrainingConfig


def train(
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the run: configuration, log, checkpoint, weights.")
    ],
    root: Annotated[
        Path, typer.Option("--root", help="Folder of the data sets; where paths of the recipe's data sets begin.")
    ] = Path(),
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            help="drive, stare, chase_db1 or hrf, a data set file (NAME.serr-dataset), or a folder such as ./eyes; "
            "default drive, or the recipe's.",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Recipe that ships with the program: general, paper or strong.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file with the recipe; fields left out have their defaults.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Optimiser steps, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Random seed, instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=0, help="CPU threads; 0 for all.")] = None,
    device: Annotated[str, typer.Option("--device", help=DEVICE_HELP)] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network on a data set; an interrupted run goes on with --resume.

    Part of the training photographs is held out to choose the weights and the threshold. Writes config.toml,
    events.jsonl, checkpoint.safetensors, the weights file with its card, and the weights of the last step. Under
    torchrun, several processes do what one would.
    """
    checked_device(device)
    from core.datasets.finding import is_own_data_set

    if dataset is not None and not is_own_data_set(dataset):
        checked_dataset(dataset)
    changes = {
        "--dataset": dataset,
        "--preset": preset,
        "--config": config,
        "--steps": steps,
        "--seed": seed,
        "--threads": threads,
    }
    given = [name for name, value in changes.items() if value is not None]
    from core.training.config import TrainingConfig, load_config, load_preset, presets
    from core.training.loop import CHECKPOINT_FILE, CONFIG_FILE
    from core.training.loop import train as run_training
    from core.training.processes import is_first

    if resume and (out / CONFIG_FILE).is_file() and given:
        raise UsageError(
            f"--resume goes on with the recipe of the run in {out}; leave out {', '.join(given)}, or start a new run "
            "in another folder."
        )
    if config is not None and preset is not None:
        raise UsageError("--config and --preset both give the whole recipe; leave one of them out.")
    if preset is not None:
        recipe = load_preset(one_of("--preset", preset, presets()))
    else:
        recipe = load_config(config) if config else TrainingConfig()
    recipe = _changed(recipe, dataset, {"steps": steps}, {"seed": seed, "threads": threads})
    try:
        with monitored() as monitor:
            result = run_training(recipe, root, out, resume=resume, device=device, monitor=monitor)
    except Cancelled:
        kept = (out / CHECKPOINT_FILE).is_file()
        raise Cancelled(
            f"The run in {out} can go on from its last checkpoint with --resume."
            if kept
            else f"The run in {out} had no checkpoint yet; --resume starts it again."
        ) from None
    if not is_first():
        return
    if as_json:
        say_json({"weights": str(result.weights), "best_step": result.best_step, "validation": asdict(result.best)})
    else:
        best = result.best
        say(f"{result.weights}")
        say(
            f"best step {result.best_step}: validation AUC {best.auc_roc:.4f}, F1 {best.f1:.4f}, level {best.level}/256"
        )


def _changed(
    recipe: "TrainingConfig", dataset: str | None, optimisation: dict[str, int | None], run: dict[str, int | None]
) -> "TrainingConfig":
    """The recipe with what the command's options say instead."""
    if dataset is not None:
        single = len(recipe.data.sources) == 1  # its other fields stay
        recipe = recipe.replaced("data", **({"dataset": dataset} if single else {"sources": [{"dataset": dataset}]}))
    for part, fields in (("optimisation", optimisation), ("run", run)):
        recipe = recipe.replaced(part, **{name: value for name, value in fields.items() if value is not None})
    return recipe
