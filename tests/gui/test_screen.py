"""A start where no window can be shown: the real program in a process of its own, and its last sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serr_gui.system import libraries, screen

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only X11 and Wayland name screens that need not be there"
)


def started(folder: Path, program: str = "-m serr_gui", **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    del kept["QT_QPA_PLATFORM"]
    own = {f"SERR_{name}_DIR": str(folder) for name in ("CONFIG", "CACHE", "LOG")}
    command = [sys.executable, *program.split(" ", 1), "--new-window"]
    return subprocess.run(command, env=kept | own | environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "there is no screen (DISPLAY is not set)"),
        ({"DISPLAY": ":7654"}, "the screen :7654 does not open"),
        ({"QT_QPA_PLATFORM": "glass"}, 'QT_QPA_PLATFORM is "glass", and there is no such platform'),
    ],
    ids=["none", "refuses", "no such platform"],
)
def test_a_start_without_a_screen_ends_with_a_sentence(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    ended = started(tmp_path, **environ)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith("serr-gui: The window cannot be shown: ")
    # Where the system lacks libraries for X11, that is what is said.
    assert words in ended.stderr or (not environ.get("QT_QPA_PLATFORM") and "this system lacks" in ended.stderr)
    assert "qt.qpa" not in ended.stderr
    assert "Aborted" not in ended.stderr


def test_a_start_without_the_libraries_of_qt_names_the_packages(tmp_path: Path) -> None:
    """Qt itself does not load: libEGL is taken away from the program by a finder that fails as the linker does."""
    program = (
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'PySide6.QtGui':\n"
        "            raise ImportError('libEGL.so.1: cannot open shared object file: No such file or directory')\n"
        "sys.meta_path.insert(0, Gone())\n"
        "from serr_gui.system import libraries\n"
        "libraries.OFFSCREEN['libEGL.so.99'] = libraries.OFFSCREEN.pop('libEGL.so.1')\n"
        "from serr_gui.__main__ import main\n"
        "sys.exit(main())"
    )
    ended = started(tmp_path, f"-c {program}", QT_QPA_PLATFORM="offscreen")
    assert ended.returncode == 1
    assert "this system lacks libEGL.so.99" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_missing_comes_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Qt believes to be the cause."""
    gone = {"libxcb-icccm.so.4", "libxcb-keysyms.so.1"}
    monkeypatch.setattr(screen, "missing", lambda needed: [name for name in needed if name in gone])
    apt = next(manager for manager in libraries.MANAGERS if manager.name == "apt-get")
    monkeypatch.setattr(screen, "find_manager", lambda: apt)
    said = ["From 6.5.0, xcb-cursor0 or libxcb-cursor0 is needed to load the Qt xcb platform plugin."]
    sentence = screen.why_no_window(said, {"DISPLAY": ":0"})
    assert "lacks libxcb-icccm.so.4, libxcb-keysyms.so.1" in sentence
    assert "apt-get install -y --no-install-recommends libxcb-icccm4 libxcb-keysyms1" in sentence
    assert "cursor" not in sentence


def test_who_started_it_by_a_click_is_told_on_the_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told"
    messenger = tmp_path / "zenity"
    messenger.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> "{told}"\n')
    messenger.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    screen.tell("no window", {})
    screen.tell("no window", {"DISPLAY": ":0"})
    assert told.read_text() == "--error|--no-markup|--text|no window|"
    assert capsys.readouterr().err == "serr-gui: no window\n" * 2
