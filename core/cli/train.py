"""``serr train``: train a network on a data set."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import UsageError, monitored, say, say_json
from core.cli.options import Device, checked_device
from core.cli.recipes import RecipeOptions, Root, say_estimate, takes_recipe
from core.progress import Cancelled


@takes_recipe
def train(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run: configuration, log, checkpoint, weights.")
    ] = None,
    root: Root = Path(),
    options: RecipeOptions,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the last checkpoint in --out.")] = False,
    device: Device = "auto",
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Only measure a few steps, and estimate time and memory of the run.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network on a data set, or train a model on (--from); an interrupted run resumes with --resume.

    Part of the training photographs is held out to choose the weights and the threshold. Writes config.toml,
    events.jsonl (the curves), checkpoint.safetensors, pictures, the weights file of the best weights so far, and
    at the end that of the last step. Under torchrun, several processes do what one would.

    The word "pause" or "stop" in the file "control" of the run's folder ends it: to be resumed later, or with the best
    weights so far.
    """
    device = checked_device(device)
    recipe = options.recipe()
    if only_estimate:
        from core.training.estimate import estimate

        with monitored() as monitor:
            measured = estimate(recipe, root, device=device, monitor=monitor)
        if as_json:
            say_json(measured.to_dict())
        else:
            say_estimate(measured)
        return
    if out is None:
        raise UsageError("--out is missing: give a folder for the run.")
    from core.training.control import CONTROL_FILE, ControlledMonitor, StopTraining
    from core.training.loop import CHECKPOINT_FILE, CONFIG_FILE
    from core.training.loop import train as run_training
    from core.training.processes import is_first

    if resume and (out / CONFIG_FILE).is_file() and options.given:
        raise UsageError(
            f"--resume continues with the recipe of the run in {out}; leave out {', '.join(options.given)}, or start a "
            "new run in another folder."
        )
    try:
        with monitored() as monitor:
            controlled = ControlledMonitor(monitor, out / CONTROL_FILE)
            try:
                result = run_training(recipe, root, out, resume=resume, device=device, monitor=controlled)
            finally:
                controlled.clear()
    except (Cancelled, StopTraining):
        kept = (out / CHECKPOINT_FILE).is_file()
        raise Cancelled(
            f"The run in {out} can be resumed with --resume."
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
        if not best.held_out:
            say("No photographs were held out: these scores are of those that it learned from, and not a test of it.")
