"""From a bare checkout to a whole .venv, or a sentence that says why not."""

import errno
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tools import libraries
from tools.console import Failure, Log, say, step
from tools.environment import Environment, Wanted
from tools.locking import only_one
from tools.packages import DISK_FULL, explain, install
from tools.torch_build import requirement

SPACE_NEEDED = 3.0e9
"""Bytes that a fresh set-up takes at most, with the CPU build of torch and pip's temporary files."""


def set_up(
    root: Path, wanted: Wanted, *, fresh: bool = False, on_missing_libraries: Callable[[str], None] = say
) -> Environment:
    """A whole .venv, made, completed or left as it is; raises Failure with a sentence.

    ``on_missing_libraries`` gets the advice for a person where Qt lacks system libraries that cannot be installed.
    """
    environment = Environment(root)
    cache = root / ".cache"
    try:
        with only_one(cache / "bootstrap.lock", lambda: say("Another set-up is at work here; waiting for its end ...")):
            if fresh or _lacks_libraries() or environment.examine(wanted).state != "ready":
                with Log(cache / "bootstrap.log") as log:
                    _work(environment, wanted, fresh, on_missing_libraries, log)
    except OSError as error:
        if environment.examine(wanted).state == "ready" and not fresh:
            return environment  # a finished checkout on a read-only disk: the lock is all that could not be had
        raise Failure(_disk_sentence(error, root)) from error
    return environment


def _work(
    environment: Environment, wanted: Wanted, fresh: bool, on_missing_libraries: Callable[[str], None], log: Log
) -> None:
    try:
        libraries.refuse_unfit_system()
        if advice := libraries.ensure_qt_libraries(log):
            on_missing_libraries(advice)
        _make_whole(environment, wanted, fresh, log)
    except Failure as failure:
        log.note(f"\n{failure}")
        raise Failure(f"{failure}\n(The full record is in {log.path})") from failure


def _lacks_libraries() -> bool:
    return sys.platform == "linux" and bool(libraries.missing(os.environ))


def _make_whole(environment: Environment, wanted: Wanted, fresh: bool, log: Log) -> None:
    finding = environment.examine(wanted)
    if finding.state == "ready" and not fresh:
        return
    started = time.monotonic()
    reason = f" ({finding.reason})" if finding.reason else ""
    if finding.state == "outdated" and not fresh:
        say(f"Updating {environment.folder}{reason}")
        wanted = environment.also(wanted)
        environment.unfinish()
        install(environment, wanted, log)
        environment.finish(wanted, log)
    else:
        say(f"Setting up {environment.folder}{reason}: this takes a few minutes.")
        environment.remove()
        _check_space(environment.root)
        try:
            _make_anew(environment, wanted, log)
        except BaseException:
            with suppress(Failure, OSError):
                environment.remove()
            raise
    say(f"Ready after {time.monotonic() - started:.0f} s.")


def _make_anew(environment: Environment, wanted: Wanted, log: Log) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        _install_ensurepip(log)
    with step("virtual environment"):
        code, output = environment.make(log)
        if code != 0:
            raise Failure(explain(output) or f"{sys.executable} cannot make a virtual environment.")
    install(environment, wanted, log)
    environment.finish(wanted, log)


def _install_ensurepip(log: Log) -> None:
    """Debian and Ubuntu cut this part of Python's standard library out into a package of its own."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    manager = libraries.find_manager()
    if manager is None or manager.name != "apt-get":
        raise Failure(f"{sys.executable} lacks the module ensurepip. Use a complete Python (python.org has one).")
    if not libraries.install([package], log):
        line = libraries.line_to_run(manager, [package])
        raise Failure(
            f"This Python cannot make virtual environments yet. Install what it lacks with\n\n    {line}\n\n"
            "and start this again."
        )


def _check_space(folder: Path) -> None:
    if requirement(folder) is None:  # torch is what is large
        return
    free = shutil.disk_usage(folder).free
    if free < SPACE_NEEDED:
        raise Failure(
            f"The set-up needs about {SPACE_NEEDED / 1e9:.0f} GB in {folder}, where {free / 1e9:.1f} GB are free. "
            "Make room and start this again."
        )


def _disk_sentence(error: OSError, root: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{error.filename or root} may not be written to ({error.strerror}). Copy the checkout to a folder of your "
            "own and start this again there."
        )
    return f"The set-up has failed: {error}"
