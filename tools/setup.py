"""From a bare checkout to a whole .venv, or a sentence that says why not."""

import errno
import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from serr_gui.system.libraries import find_manager, line_to_run
from tools import libraries
from tools.console import Failure, Log, say, step
from tools.environment import Environment, Finding, Wanted
from tools.locking import only_one
from tools.packages import DISK_FULL, explain, install
from tools.torch_build import requirement

SPACE_NEEDED = 3.0e9
"""Bytes that a fresh set-up takes at most, with the CPU build of torch and pip's temporary files."""


MissingLibraries = Callable[[Sequence[str], str], None]
"""Told what the window lacks and the exact line that installs it, where this set-up may not."""


def set_up(root: Path, wanted: Wanted, on_missing: MissingLibraries, *, fresh: bool = False) -> Environment:
    """A whole .venv, made, completed or left as it is; raises Failure with a sentence."""
    environment = Environment(root)
    cache = root / ".cache"
    try:
        with only_one(cache / "bootstrap.lock", lambda: say("Another set-up is at work here; waiting for its end ...")):
            if fresh or libraries.qt_libraries_missing() or environment.examine(wanted).state != "ready":
                with Log(cache / "bootstrap.log") as log:
                    _work(environment, wanted, fresh, on_missing, log)
    except OSError as error:
        if environment.examine(wanted).state == "ready" and not fresh:
            return environment  # a finished checkout on a read-only disk: the lock is all that could not be had
        raise Failure(_disk_sentence(error, root)) from error
    return environment


def _work(environment: Environment, wanted: Wanted, fresh: bool, on_missing: MissingLibraries, log: Log) -> None:
    try:
        libraries.refuse_unfit_system()
        finding = Finding("broken", "as asked") if fresh else environment.examine(wanted)
        _see_to_system(finding, on_missing, log)
        if finding.state != "ready":
            _make_whole(environment, wanted, finding, log)
    except Failure as failure:
        log.note(f"\n{failure}")
        raise Failure(f"{failure}\n(The full record is in {log.path})") from failure


def _see_to_system(finding: Finding, on_missing: MissingLibraries, log: Log) -> None:
    """System packages: the libraries of Qt, and what Debian and Ubuntu have cut out of Python's standard library."""
    manager = find_manager()
    absent = libraries.qt_libraries_missing()
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    no_pip = finding.state in ("absent", "broken") and importlib.util.find_spec("ensurepip") is None
    if no_pip and (manager is None or manager.name != "apt-get"):
        raise Failure(f"{sys.executable} lacks the module ensurepip. Use a complete Python (python.org has one).")
    asked = [*absent, *([package] if no_pip else [])]
    if asked and libraries.install(asked, log):
        absent = libraries.qt_libraries_missing()
        importlib.invalidate_caches()
        no_pip = no_pip and importlib.util.find_spec("ensurepip") is None
    if no_pip:
        line = line_to_run(manager, asked)
        raise Failure(f"This Python cannot make virtual environments yet. Run\n\n    {line}\n\nand start this again.")
    if absent:
        on_missing(absent, line_to_run(manager, absent))


def _make_whole(environment: Environment, wanted: Wanted, finding: Finding, log: Log) -> None:
    started = time.monotonic()
    reason = f" ({finding.reason})" if finding.reason else ""
    if finding.state == "outdated":
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
    with step("virtual environment"):
        code, output = environment.make(log)
        if code != 0:
            raise Failure(explain(output) or f"{sys.executable} cannot make a virtual environment.")
    install(environment, wanted, log)
    environment.finish(wanted, log)


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
