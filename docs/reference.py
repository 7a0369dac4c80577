"""The pages of the command line and of the recipe of a training, made from the program itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

_HEAD: Final = """\
# Command line

The program `serr` does without a window what the desktop program does, and more. Results go to the standard output,
everything else to the standard error. Exit codes: 0 done, 1 failed (with one sentence for each failure), 2 used
wrongly, 130 cancelled.
"""


_RECIPE_HEAD: Final = """\
# Fields of a recipe

A recipe is a TOML file with the parts below; a field that is left out has its default. `config.toml` of any run is a
complete example. See [Training](training.md).
"""


def write_reference(guide: Path) -> None:
    """Write the pages into the folder of the guide."""
    _write_changed(guide / "command-line.md", command_line_page())
    _write_changed(guide / "recipe.md", recipe_page())


def _write_changed(path: Path, text: str) -> None:
    """Write a page, unless it stands there already (a changed time would make every build a new one)."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        whole = path.with_name(f"{path.name}.{os.getpid()}.tmp")  # another build of the guide may be reading it
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)


def command_line_page() -> str:
    """``serr`` with all its commands, in Markdown."""
    from typer.main import get_command

    from core.cli.app import program

    return "\n".join([_HEAD, *_sections(get_command(program()), "serr")])


def recipe_page() -> str:
    """Every field of a training configuration, in Markdown."""
    from core.training.config import SourceSection, TrainingConfig

    lines = [_RECIPE_HEAD]
    for name, part in TrainingConfig.model_fields.items():
        lines += [f"## {name}\n", *_fields(part.annotation)]
        if name == "data":
            lines += ["Each of its `sources` (`[[data.sources]]`):\n", *_fields(SourceSection)]
    return "\n".join(lines)


def _fields(part: Any) -> Iterator[str]:
    yield "| field | default | meaning |\n| --- | --- | --- |"
    for name, field in part.model_fields.items():
        if name != "sources":
            default = field.get_default(call_default_factory=True)
            yield f"| `{name}` | `{default!r}` | {_known(field)}{field.description or ''} |"
    yield ""


def _known(field: Any) -> str:
    """The values that a field may have, where they are few."""
    values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return f"{', '.join(f'`{value}`' for value in values)}: " if values else ""


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
