"""The page of the command line, made from the program itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_HEAD: Final = """\
# Command line

The program `serr` does without a window what the desktop program does, and more. Results go to the standard output,
everything else to the standard error. Exit codes: 0 done, 1 failed (with one sentence for each failure), 2 used
wrongly, 130 cancelled.
"""


def write_reference(path: Path) -> None:
    """Write the page, unless it stands there already (a changed time would make every build a new one)."""
    text = command_line_page()
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def command_line_page() -> str:
    """``serr`` with all its commands, in Markdown."""
    from typer.main import get_command

    from core.cli.app import app

    return "\n".join([_HEAD, *_sections(get_command(app), "serr")])


def _sections(command: Any, name: str) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    yield f"{'#' * min(2 + name.count(' ') // 2, 3)} {name}\n"
    yield f"    {' '.join(command.get_usage(context).removeprefix('Usage: ').split())}\n"
    yield (command.help or "").strip() + "\n"
    rows = [_row(parameter, context) for parameter in command.params]
    if rows:
        yield "| word | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    for word, sub in getattr(command, "commands", {}).items():
        yield from _sections(sub, f"{name} {word}")


def _row(parameter: Any, context: Any) -> str:
    names, text = parameter.get_help_record(context)
    for mark, harmless in (("|", "\\|"), ("[", "\\["), ("<", "&lt;"), ("*", "\\*")):
        text = text.replace(mark, harmless)
    return f"| `{names.replace('|', '/')}` | {' '.join(text.split())} |"
