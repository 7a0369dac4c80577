"""``serr session``: what the window saved, without the window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import monitored, say, say_json, tell
from core.cli.options import (
    ALL_KINDS,
    AsFloat,
    AsJson,
    Out,
    Save,
    checked_kinds,
    checked_out,
    export_choices,
)

if TYPE_CHECKING:
    from core.session.archive import OpenedSession
    from core.session.results import SessionOutcome

session = typer.Typer(help="Session files that the window saved.", no_args_is_help=True)


@session.callback()
def every() -> None:
    """Session files (.serr-session) that the window saved."""


@session.command("export")
def export(
    *,
    path: Annotated[Path, typer.Argument(metavar="SESSION", help="A NAME.serr-session that the window saved.")],
    out: Out,
    save: Save = ALL_KINDS,
    as_float: AsFloat = False,
    as_json: AsJson = False,
) -> int:
    """Write the masks of a session as they were left, with corrections and thresholds; no network is run.

    Ends with 1 where a photograph has no mask or its files could not be written.
    """
    kinds = checked_kinds(save)
    checked_out(out)

    from core.session.results import export_session

    with monitored() as monitor:
        opened, outcomes = export_session(path, out, export_choices(kinds, as_float), monitor)
    return told(opened, outcomes, as_json=as_json)


def replay_of_session(path: Path, out: Path, kinds: set[str], *, as_float: bool, as_json: bool) -> int:
    """``serr replay`` of a session: the networks run again, the corrections laid over, and the masks compared."""
    from core.export import export_segmentation
    from core.files import ensure_folder
    from core.photo.sibling_files import output_stems
    from core.session.results import SessionOutcome, replay_session

    outcomes = []
    with monitored() as monitor:
        opened, replayed = replay_session(path, monitor)
        folder = ensure_folder(out)
        stems = output_stems([photo.photo.path for photo in opened.record.photos], folder, by_content=False)
        for outcome, again in replayed:
            files = None
            if again is not None:
                files = export_segmentation(
                    again.segmentation,
                    folder,
                    stems[outcome.path],
                    export_choices(kinds, as_float),
                    mask=again.mask,
                    annotation=again.annotation,
                    questionable=None if again.record.questionable is None else again.record.questionable.mask,
                )
            outcomes.append(SessionOutcome(outcome.path, outcome.problem, files, outcome.identical, outcome.notes))
    return told(opened, tuple(outcomes), as_json=as_json)


def told(opened: "OpenedSession", outcomes: "tuple[SessionOutcome, ...]", *, as_json: bool) -> int:
    """Say what became of a session; the exit code."""
    from core.files import display_path, path_text

    if as_json:
        say_json(
            {
                "session": path_text(opened.path),
                "problems": list(opened.problems),
                "photographs": [
                    {
                        "photo": path_text(one.path),
                        "problem": one.problem or None,
                        "files": {kind: path_text(file) for kind, file in (one.files or {}).items()},
                        **({} if one.identical is None else {"identical": one.identical}),
                        "notes": list(one.notes),
                    }
                    for one in outcomes
                ],
            }
        )
    else:
        for problem in opened.problems:
            tell(f"serr: {problem}")
        for one in outcomes:
            verdict = {None: "", True: "identical; ", False: "NOT identical; "}[one.identical]
            if one.problem:
                tell(f"serr: {display_path(one.path)}: {one.problem}")
            else:
                names = ", ".join(display_path(file) for file in (one.files or {}).values())
                say(f"{display_path(one.path)}: {verdict}{names}")
            for note in one.notes:
                tell(f"serr: {note}")
    good = all(not one.problem and one.identical is not False for one in outcomes)
    return 0 if good and not opened.problems else 1
