"""The program ``serr``: its commands, and how whatever ends one becomes an exit code and a sentence."""

import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from core import __version__
from core.cli.commands import COMMANDS, add_commands
from core.cli.console import CANCELLED_CODE, UsageError, drop_output, flush, is_debugging, prepare_streams, say, tell
from core.errors import SerrError
from core.files import display_path
from core.progress import Cancelled
from core.startup import importing


def _version(wanted: bool) -> None:
    if wanted:
        say(f"serr {__version__}")
        raise typer.Exit


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """``serr`` with some of its commands."""
    app = typer.Typer(
        name="serr",
        help="Find the blood vessels in colour fundus photographs with a SERR-U-Net.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    add_commands(app, names)
    app.callback()(serr)
    return app


def serr(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Find the blood vessels in colour fundus photographs with a SERR-U-Net."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every way in which it may end is reported here, in one sentence."""
    prepare_streams()
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with importing():
        app = program(arguments[:1] if arguments[0] in COMMANDS else COMMANDS)
    try:
        code = app(args=arguments, prog_name="serr", standalone_mode=False)
        flush()
    except Exception as error:  # noqa: BLE001 - the outermost place: no traceback may reach a person
        return _told(error)
    except KeyboardInterrupt:
        return _cancelled()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    if code == CANCELLED_CODE:
        return _cancelled()
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> int:
    if is_debugging() and not isinstance(error, (Cancelled, UsageError)):
        traceback.print_exception(error)
    if isinstance(error, (Cancelled, typer.Abort)):
        return _cancelled(str(error))
    if isinstance(error, BrokenPipeError):
        drop_output()  # who read it has gone
        return 1
    if isinstance(error, UsageError):
        tell(f"serr: {error}")
        return 2
    # Typer's own usage errors: their class is in no public place, their message and exit code are.
    message, code = getattr(error, "format_message", None), getattr(error, "exit_code", None)
    if message is not None and isinstance(code, int):
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "serr"
        text = str(message()).rstrip().replace("?.", "?")
        if text:
            tell(f"{where}: {text}{'' if text.endswith(('.', '?')) else '.'} See '{where} --help'.")
        return code
    if isinstance(error, SerrError):
        tell(f"serr: {error}")
    elif isinstance(error, OSError) and isinstance(error.filename, str | bytes):
        # Every look at a path that was given can fail so: a name that is too long, a circle of links, a lost disk.
        where = display_path(os.fsdecode(error.filename))
        tell(f"serr: {where} cannot be used: {error.strerror or error}. Check its name, its folder and the disk.")
    elif isinstance(error, MemoryError):
        tell("serr: there is not enough memory. Close other programs, or work on fewer or smaller photographs.")
    else:
        tell(
            f"serr: this should not have happened ({type(error).__name__}: {error}). This is a bug in the program: "
            "please report it with what 'serr info' says and what the same command prints after setting SERR_DEBUG=1."
        )
    return 1


def _cancelled(what: str = "") -> int:
    tell(f"serr: cancelled. {what}".rstrip())
    return CANCELLED_CODE
