"""``serr jobs``: trainings that run in the background, and what has become of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.console import CANCELLED_CODE, UsageError, monitored, say, say_json
from core.cli.options import AsJson, Device, checked_device
from core.cli.recipes import RecipeOptions, Root, takes_recipe

if TYPE_CHECKING:
    from core.jobs.store import Job
    from core.training.run_view import RunView

jobs = typer.Typer(
    help="Trainings in processes of their own: they keep running when the terminal or the window is closed.",
    invoke_without_command=True,
)

JobName = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job, or its name; the whole of it.")]
_LOG_LINES = 20


@jobs.callback()
def every(context: typer.Context, as_json: AsJson = False) -> None:
    """List the jobs; 'serr jobs COMMAND --help' tells more."""
    if context.invoked_subcommand is None:
        _list(as_json)


@jobs.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the jobs, the newest last."""
    _list(as_json)


@jobs.command()
@takes_recipe
def start(
    *,
    root: Root = Path(),
    options: RecipeOptions,
    notes: Annotated[str, typer.Option("--notes", help="Notes on the job.")] = "",
    device: Device = "auto",
    count: Annotated[int, typer.Option("--gpus", min=1, help="Graphics processors to train on at once.")] = 1,
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
            metavar="OPTIONS",
            help='Submit it to a Slurm cluster, with options of sbatch: "partition=gpu,time=24:00:00", or "".',
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a training in a process of its own; it waits until its device is free.

    Jobs on one device run one after the other, in the order in which they were started.
    """
    device = checked_device(device)
    recipe = options.recipe()
    from core.jobs.requests import TrainingRequest
    from core.jobs.submit import submit_job

    engine = "local" if slurm is None else "slurm"
    request = TrainingRequest(recipe, root, options.name or "", notes, device, count, engine=engine, slurm=slurm or "")
    job = submit_job(request)
    if as_json:
        say_json(_facts(job, _view(job)))
    else:
        say(_line(job))


@jobs.command()
def show(name: JobName, as_json: AsJson = False) -> None:
    """Show one job: what it does, how far it is, how good it is, and what it said last."""
    job = _found(name)
    view = _view(job)
    if as_json:
        say_json(_facts(job, view))
        return
    rows = {key: value for key, value in _facts(job, view).items() if value not in ("", None, {}, [])}
    width = max(len(key) for key in rows)
    for key, value in rows.items():
        say(f"{key:<{width}}  {_text(value)}")
    for each in view.validated[-5:]:
        say(
            f"  step {each.step}: training loss {each.training_loss:.4f}, validation loss {each.loss:.4f}, "
            f"AUC {each.auc_roc:.4f}, F1 {each.f1:.4f}"
        )
    if view.steps and not view.validation_photos:
        say("  No photographs are held out: these scores are of those that it learns from, and not a test of it.")
    log = _log(job)
    if log:
        say(f"\n{job.folder / 'log.txt'}, the last lines:")
        for line in log:
            say(f"  {line}")


@jobs.command()
def pause(name: JobName) -> None:
    """Let a job finish its step, keep everything, and end; 'resume' continues to the same result."""
    from core.jobs.process import pause_job

    say(_line(pause_job(_found(name))))


@jobs.command()
def stop(
    name: JobName,
    kill: Annotated[
        bool, typer.Option("--kill", help="End its process at once if it does not follow; its last checkpoint stays.")
    ] = False,
) -> None:
    """End a job with the best weights so far."""
    from core.jobs.process import end_by_force, stop_job
    from core.jobs.store import read_job

    job = _found(name)
    if kill:
        end_by_force(job)
        job = read_job(job.folder)
    else:
        job = stop_job(job)
    say(_line(job))


@jobs.command()
def resume(name: JobName) -> None:
    """Resume a job that was paused, that failed, or whose process was killed."""
    from core.jobs.process import start_job

    job = _found(name)
    if job.state == "done":
        raise UsageError(f'the job "{job.request.name}" is done.')
    say(_line(start_job(job)))


@jobs.command()
def remove(name: JobName) -> None:
    """Remove a job with its run and its weights; add its weights to your models before ('serr models add')."""
    from core.jobs.store import remove_job

    job = _found(name)
    remove_job(job)
    say(f"removed {job.id}")


@jobs.command(hidden=True)
def work(folder: Annotated[Path, typer.Argument(metavar="FOLDER")]) -> None:
    """Do a job: the command of its own process."""
    from core.jobs.worker import work as run_work

    with monitored() as monitor:
        state = run_work(folder, monitor)
    raise typer.Exit({"done": 0, "paused": CANCELLED_CODE}.get(state, 1))


def _found(name: str) -> "Job":
    from core.jobs.store import find_job

    return find_job(name)


def _list(as_json: bool) -> None:
    from core.jobs.store import jobs_folder, list_jobs

    found = list_jobs()
    if as_json:
        say_json([_facts(job, _view(job)) for job in found])
        return
    if not found:
        say(f"There are no training jobs. 'serr jobs start' makes one. They are kept in {jobs_folder()}.")
        return
    for job in found:
        say(_line(job))


def _line(job: "Job") -> str:
    view = _view(job)
    far = f"{view.step}/{view.steps}" if view.steps else "-"
    best = f"AUC {view.best.auc_roc:.4f}" if view.best else "-"
    now = "preparing" if job.preparing else job.state
    state = f"{now}, requested: {job.command}" if job.command else now
    line = f"{job.id}  {state:<12} {far:>12}  {best:<11}  {job.request.name}"
    told = [sentence for sentence in (job.status.sentence, _doubt(view)) if sentence]
    return "\n    ".join([line, *told])


def _doubt(view: "RunView") -> str:
    """What a person should know of a log that cannot be read; a kill leaves one half line at most."""
    count = view.damaged_lines
    return f"{count} lines of its log of events are damaged and were left out." if count > 1 else ""


def _view(job: "Job") -> "RunView":
    from core.training.run_view import follow_run

    return follow_run(job.run)


def _facts(job: "Job", view: "RunView") -> dict[str, Any]:
    """What there is to say about a job, as plain values."""
    best = view.best
    return {
        "id": job.id,
        "name": job.request.name,
        "state": job.state,
        "command": job.command,
        "sentence": job.status.sentence,
        "damaged_lines": view.damaged_lines or None,
        "stage": job.status.stage,
        "data": job.request.data,
        "start_from": job.request.start_from,
        "device": job.status.device or " or ".join(dict.fromkeys(job.request.devices)),
        "created": job.request.created,
        "changed": job.status.changed,
        "step": view.step,
        "steps": view.steps,
        "seconds_left": view.seconds_left if job.state == "running" else None,
        "learned_from": view.training_photos,
        "held_out": view.validation_photos if view.steps else None,
        "best": {"step": best.step, "auc_roc": best.auc_roc, "f1": best.f1} if best else None,
        "weights": str(job.weights) if job.weights else "",
        "folder": str(job.folder),
        "pid": job.status.pid if job.alive else None,
        "notes": job.request.notes,
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _log(job: "Job") -> list[str]:
    from core.jobs.store import read_log

    return read_log(job, 1 << 14).splitlines()[-_LOG_LINES:]
