"""``serr models``: which models are there, and what their cards say."""

from dataclasses import dataclass
from typing import Annotated

import typer

from core.cli.console import say, say_json, tell
from core.cli.options import found_model
from core.progress import Progress

models = typer.Typer(help="List the models that are there, or show the card of one.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@dataclass(frozen=True, slots=True)
class _Notes:
    """Passes the notes about unusable files on to stderr; there is no progress to show."""

    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        tell(f"serr: {message}")


@models.callback()
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models that are there; 'serr models show NAME' shows the card of one."""
    if context.invoked_subcommand is not None:
        return
    from core.weights import DEFAULT_MODEL, list_models, user_models_folder

    entries = list_models(monitor=_Notes())
    if as_json:
        say_json(
            [
                {
                    **entry.card.to_dict(),
                    "path": str(entry.path),
                    "bundled": entry.bundled,
                    "default": entry.card.name == DEFAULT_MODEL,
                }
                for entry in entries
            ]
        )
        return
    if not entries:
        say(f"There are no models yet. Train one with 'serr train', or put weights files into {user_models_folder()}.")
        return
    rows = [("NAME", "FROM", "THRESHOLD", "TRAINED ON")]
    for entry in entries:
        name = entry.card.name + (" *" if entry.card.name == DEFAULT_MODEL else "")
        source = "this program" if entry.bundled else "your folder"
        rows.append((name, source, f"{entry.card.default_threshold:.4f}", entry.card.trained_on.partition(";")[0]))
    widths = [max(len(row[column]) for row in rows) for column in range(3)] + [0]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    say(f"\n* is used where no model is named. Your folder is {user_models_folder()}.")


@models.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model's name, or a weights file.")],
    as_json: AsJson = False,
) -> None:
    """Show the card of one model: what it is, how it was trained, and what it was measured to do."""
    from core.weights import read_card

    path = found_model(name)
    values = {"path": str(path), **read_card(path).to_dict()}
    if as_json:
        say_json(values)
    else:
        _say_indented(values, "")


def _say_indented(values: dict[str, object], indent: str) -> None:
    width = max((len(key) for key in values), default=0)
    for key, value in values.items():
        if isinstance(value, dict) and value:
            say(f"{indent}{key}")
            _say_indented(value, indent + "  ")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, start=1):
                say(f"{indent}{key} {number}")
                _say_indented(item, indent + "  ")
        else:
            text = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            say(f"{indent}{key:<{width}}  {'-' if text in ('', None, {}) else text}")
