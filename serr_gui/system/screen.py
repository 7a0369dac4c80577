"""Whether a window can be shown here, and a sentence where it cannot.

Qt aborts where no screen opens, with words that mislead ("xcb-cursor0 is needed", whatever is missing). Nothing here is
looked at before that moment, so that a start which succeeds is no slower for it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from serr_gui.system.libraries import find_manager, line_to_run, missing, needed_for

_WITHOUT = "The command line needs no screen: see 'serr --help'."
# Programs that show a sentence to whoever started this one by a click; the first that is installed is taken.
_MESSENGERS = (
    ("notify-send", "SERR Fundus"),
    ("kdialog", "--error"),
    ("zenity", "--error", "--no-markup", "--text"),
    ("xmessage",),
)
_READING_S = 60


def no_screen_named(environ: Mapping[str, str], system: str) -> str | None:
    """Why the environment has no screen, or None where it names one. ``system`` is ``sys.platform``."""
    platform = environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform in ("offscreen", "minimal"):
        return f"QT_QPA_PLATFORM is {platform}"
    if system in ("win32", "darwin") or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or platform:
        return None
    return "no screen: neither DISPLAY nor WAYLAND_DISPLAY is set"


def missing_libraries(environ: Mapping[str, str]) -> str | None:
    """Which libraries of the system a window lacks here, with the line that installs them; None: it has them all."""
    absent = missing(needed_for(environ)) if sys.platform == "linux" else []
    if not absent:
        return None
    return (
        f"The window cannot be shown: this system lacks {', '.join(absent)}. Run\n\n"
        f"    {line_to_run(find_manager(), absent)}\n\nand start the program again."
    )


def why_no_window(said: Sequence[str], environ: Mapping[str, str]) -> str:
    """The sentence for the user. ``said`` are Qt's own words of this start."""
    words = "\n".join(said)
    chosen = environ.get("QT_QPA_PLATFORM", "")
    if "Could not find the Qt platform plugin" in words:
        return (
            f'The window cannot be shown: QT_QPA_PLATFORM is "{chosen}", and there is no such platform. Unset it '
            "('unset QT_QPA_PLATFORM'), or set it to xcb or wayland."
        )
    if sentence := missing_libraries(environ):
        return sentence
    display, wayland = environ.get("DISPLAY"), environ.get("WAYLAND_DISPLAY")
    if "could not connect to display" in words and not display:
        return f"The window cannot be shown: there is no screen (DISPLAY is not set). {_WITHOUT}"
    if not (display or wayland or chosen):
        return f"The window cannot be shown: {no_screen_named(environ, sys.platform)}. {_WITHOUT}"
    screens = " and ".join(name for name in (display, wayland) if name)
    if screens:
        return (
            f"The window cannot be shown: the screen {screens} does not open. Check that it is there and lets "
            f"{environ.get('USER') or 'this user'} in (over ssh: 'ssh -X'). {_WITHOUT}"
        )
    return f"The window cannot be shown. Qt says: {' '.join(said)} {_WITHOUT}"


def tell(sentence: str, environ: Mapping[str, str]) -> None:
    """Say it where the program was started: on the terminal, or on the desktop for who has none."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"serr-gui: {sentence}\n")
            sys.stderr.flush()
            if sys.stderr.isatty():
                return
    messenger = next((words for words in _MESSENGERS if shutil.which(words[0])), None)
    if messenger and (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run([*messenger, sentence], capture_output=True, timeout=_READING_S, check=False)


@contextmanager
def opening_the_screen(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """While the application is made: where Qt would abort, end this process with a sentence and exit code 1."""
    from PySide6.QtCore import QtMsgType, qInstallMessageHandler

    said: list[str] = []

    def listen(kind: QtMsgType, context: Any, message: str) -> None:
        said.append(message)
        if kind == QtMsgType.QtFatalMsg:
            tell(why_no_window(said, environ), environ)
            os._exit(1)  # back in Qt it would abort

    before = qInstallMessageHandler(listen)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        if sys.stderr is not None:
            for message in said:  # the start has succeeded: what Qt said is shown as it would have been
                sys.stderr.write(f"{message}\n")
