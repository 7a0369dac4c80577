"""The built program, as a process: in a folder that cannot be written to, with a name beyond ASCII, without Python,
network or home; on its own, and in a real window that is worked by the keyboard.

``bootstrap.py test`` builds it on Linux and names its folder in SERR_BUNDLE.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from linked import missing
from PIL import Image

from core.datasets.synthetic import write_drive_layout
from core.networks.families import FAMILIES
from core.photo.reading import read_label
from serr_gui.selftest import TINY_RECIPE, dice, read_reference
from tests.clean_root import TOOLS, CleanRoot, make_clean_root
from tools.clean_root import obstacle

LARGEST_MB = 950
PATIENCE_S = 240
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The folder of the built program."""
    folder = os.environ.get("SERR_BUNDLE")
    if not folder:
        pytest.skip("SERR_BUNDLE is not set: bootstrap.py test --bundle builds the program and runs these")
    assert Path(folder, "_internal").is_dir(), f"{folder} has not been built"
    return Path(folder)


@pytest.fixture(scope="session")
def moved(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in another folder than that in which it was built: with a space and letters beyond ASCII."""
    place = tmp_path_factory.mktemp("programs") / "Netzhaut für 網膜" / "serr-fundus"
    shutil.copytree(bundle, place, symlinks=True, copy_function=os.link)
    return place


@pytest.fixture(scope="session")
def bare(moved: Path, tmp_path_factory: pytest.TempPathFactory) -> CleanRoot:
    """A root with a C library, the graphics libraries and a font; the program is mounted there read-only."""
    reason = obstacle(*TOOLS)
    if reason:
        pytest.skip(reason)
    return make_clean_root(tmp_path_factory.mktemp("bare"), moved)


@dataclass(frozen=True)
class OpenRoom:
    """Where no root of its own can be made: a folder of this system, with nothing in the environment."""

    root: Path
    program: Path

    def seen(self, path: Path) -> Path:
        return path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return run(*words, folder=self.root)

    def start(self, *words: str | Path, display: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words, env=clean_environment(self.root) | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        )


@pytest.fixture
def room(request: pytest.FixtureRequest, moved: Path, tmp_path: Path) -> CleanRoot | OpenRoom:
    """The clean room where this computer can make one."""
    if obstacle(*TOOLS) is None:
        bare: CleanRoot = request.getfixturevalue("bare")
        return bare
    (tmp_path / "tmp").mkdir()
    return OpenRoom(tmp_path, moved)


def clean_environment(folder: Path) -> dict[str, str]:
    """Nothing of the shell that runs the tests: no Python, no Qt, no settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    own = {f"SERR_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "CACHE", "LOG")}
    return (
        kept
        | own
        | {"HOME": str(folder), "TMPDIR": str(folder), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "2"}
    )


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


# ------------------------------------------------------------------------------------------------------ what is in it


def test_it_is_small_enough(bundle: Path) -> None:
    total = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file() and not path.is_symlink())
    assert total < LARGEST_MB * 1e6


def test_no_part_lacks_a_library_whatever_the_screen_where_it_was_built(bundle: Path) -> None:
    assert not [f"{path.name} needs {name}" for path, name in missing(bundle)]
    libraries = {path.name for path in (bundle / "_internal").iterdir()}
    assert {"libxcb-icccm.so.4", "libxcb-keysyms.so.1", "libxcb-cursor.so.0", "libxkbcommon-x11.so.0"} <= libraries


def test_it_holds_licences_of_all_its_parts(bundle: Path) -> None:
    folder = bundle / "_internal" / "licences"
    table = (folder / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    for name in ("Python 3", "torch 2", "numpy", "PySide6_Essentials", "opencv-python-headless", "pydantic", "pillow"):
        assert name in table
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in next(folder.glob("PySide6*/LGPL*")).read_text(encoding="utf-8")
    places = [path for path in folder.iterdir() if path.is_dir()]
    assert len(places) > 30
    assert not [place for place in places if not any(file.stat().st_size for file in place.iterdir())]
    # Every Python package that lies in the program is named.
    for info in (bundle / "_internal").glob("*.dist-info"):
        assert info.name.partition("-")[0].lower().replace("_", "-") in table.lower().replace("_", "-"), info


def test_it_holds_the_guide_the_model_and_the_sample_and_no_tests_or_sources(bundle: Path) -> None:
    inside = bundle / "_internal"
    for name in ("guide/index.html", "guide/guide/command-line.html", "sample/retina.jpg", "icons/serr-fundus-256.png"):
        assert (inside / "resources" / name).is_file()
    assert list((inside / "resources" / "weights").glob("*.safetensors"))
    names = {path.name for path in inside.iterdir()}
    assert not names & {"tests", "pytest", "PyQt5", "tkinter", "matplotlib", "sphinx", "tensorboard"}
    assert not list(inside.rglob("libQt6Qml*")) + list(inside.rglob("libQt6Quick*")) + list(inside.rglob("libgtk*"))
    assert not list((inside / "core").rglob("*.py")) + list((inside / "serr_gui").rglob("*.py"))


# ----------------------------------------------------------------------------------------------------- the command line


def test_the_command_line_finds_the_vessels_that_the_program_of_a_checkout_finds(moved: Path, tmp_path: Path) -> None:
    photo = tmp_path / "Auge 目.jpg"
    shutil.copyfile(ROOT / "resources" / "sample" / "retina.jpg", photo)
    done = run(moved / "serr", "segment", photo, "--out", tmp_path / "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    mask = read_label(tmp_path / "out" / "Auge 目_mask.png").vessel
    assert dice(mask, read_reference()[0]) > 0.98


def test_wrong_use_and_a_bad_file_end_as_they_do_in_a_checkout(moved: Path, tmp_path: Path) -> None:
    (tmp_path / "no photo.png").write_text("text")
    assert run(moved / "serr", "segment", folder=tmp_path).returncode == 2
    bad = run(moved / "serr", "segment", tmp_path / "no photo.png", "--out", tmp_path / "out", folder=tmp_path)
    assert bad.returncode == 1
    assert "no photo.png" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_it_carries_every_network(moved: Path, tmp_path: Path) -> None:
    listed = run(moved / "serr", "models", "architectures", "--json", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert [one["name"] for one in json.loads(listed.stdout)] == list(FAMILIES)


def test_a_training_job_runs_in_a_process_of_its_own(moved: Path, tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 3, side=112)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(TINY_RECIPE)
    words = ["--root", tmp_path, "--config", recipe, "--device", "cpu", "--json"]
    started = run(moved / "serr", "jobs", "start", *words, folder=tmp_path)
    assert started.returncode == 0, started.stderr
    deadline = time.monotonic() + PATIENCE_S
    while True:
        (job,) = json.loads(run(moved / "serr", "jobs", "list", "--json", folder=tmp_path).stdout)
        if job["state"] not in ("starting", "queued", "running"):
            break
        assert time.monotonic() < deadline, job
        time.sleep(1)
    assert job["state"] == "done", job
    assert job["step"] == 2
    assert Path(job["weights"]).is_file()


# ------------------------------------------------------------------------------------------------------ the clean room


def test_the_clean_room_is_clean(bare: CleanRoot) -> None:
    assert not list(bare.root.rglob("*python*"))
    assert not (bare.root / "home").exists()
    program = bare.run(bare.program / "serr", "--version")
    assert program.returncode == 0, program.stderr
    probe = bare.run(bare.program / "serr", "info")
    assert "/opt/" in probe.stdout
    writes = bare.shell('echo x > "$1"/x', str(bare.program))
    assert "Read-only file system" in writes.stderr
    assert "lo" in bare.shell("cat /proc/net/dev").stdout
    assert "eth" not in bare.shell("cat /proc/net/dev").stdout


def test_the_selftest_passes_in_the_clean_room(room: CleanRoot | OpenRoom) -> None:
    done = room.run(room.program / "serr-gui", "--selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "selftest: passed"
    assert "Dice" in done.stdout
    assert "scikit-learn" in done.stdout
    assert "two steps" in done.stdout


def test_evaluating_works_in_the_clean_room(room: CleanRoot | OpenRoom) -> None:
    folder = room.root / "tmp"
    write_drive_layout(folder, 1, side=160)
    html, pdf = folder / "report.html", folder / "report.pdf"
    words = ["--root", room.seen(folder), "--report", room.seen(html), "--report", room.seen(pdf), "--bootstrap", "20"]
    done = room.run(room.program / "serr", "evaluate", "--dataset", "drive", *words)
    assert done.returncode == 0, done.stderr
    assert "clDice" in html.read_text(encoding="utf-8")
    assert pdf.read_bytes().startswith(b"%PDF")


# --------------------------------------------------------------------------------------------------------- the window


class Screen:
    """A virtual screen, and somebody who presses keys on it."""

    def __init__(self, display: str) -> None:
        self.display = display
        self.program: subprocess.Popen[bytes] | None = None

    def tool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env={"DISPLAY": self.display, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def windows(self, title: str) -> list[str]:
        return self.tool("search", "--onlyvisible", "--name", title).split()

    def wait_for(self, what: str, found: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not found():
            assert time.monotonic() < deadline, f"waited for {what}; windows: {self.titles()}"
            assert self.program is None or self.program.poll() is None, "the program has ended"
            time.sleep(0.1)

    def seen_within(self, seconds: float, title: str) -> bool:
        """Whether a window with this title comes within a time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.windows(title):
                return True
            time.sleep(0.1)
        return False

    def titles(self) -> list[str]:
        return [self.tool("getwindowname", window) for window in self.windows(".")]

    def window(self, title: str) -> str:
        """The window with this in its title, once it is there, with the keyboard in it."""
        self.wait_for(f"the window {title}", lambda: self.windows(title))
        window = self.windows(title)[-1]
        self.tool("windowfocus", "--sync", window)
        return window

    def answer(self, title: str, act: Callable[[], None]) -> None:
        """Do something in a dialog until it closes: keys that come before it is ready are lost, as a person's are."""
        for seconds in (3, 10, 30, 60, 120):
            self.window(title)
            act()
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not self.windows(title):
                    return
                time.sleep(0.1)
        raise AssertionError(f"the dialog {title} does not close; windows: {self.titles()}")

    def press(self, *keys: str) -> None:
        self.tool("key", "--delay", "60", *keys)

    def write(self, text: str) -> None:
        self.tool("type", "--delay", "20", text)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    if sys.platform != "linux":
        pytest.skip("xdotool presses keys on X only")
    # A number by chance: two servers that look for a free one at the same time can take each other's socket away.
    number = random.randrange(200, 30000)
    # Without -noreset it starts again whenever its last client goes, and whoever is just connecting is thrown out.
    command = ["Xvfb", f":{number}", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == str(number).encode(), "the virtual screen does not start"
        yield Screen(f":{number}")
        server.terminate()


def test_a_window_is_worked_in_the_clean_room(room: CleanRoot | OpenRoom, screen: Screen) -> None:
    """Open by the dialog, segment, export by the dialog: nothing but keys, as a person would."""
    folder = room.root / "tmp" / "work"
    folder.mkdir()
    folder.chmod(0o777)
    shutil.copyfile(ROOT / "resources" / "sample" / "retina.jpg", folder / "eye.jpg")
    program = screen.program = room.start(room.program / "serr-gui", display=screen.display)
    try:
        screen.window("SERR Fundus")
        screen.press("ctrl+o")

        def name_the_photograph() -> None:
            screen.press("alt+n", "ctrl+a")  # into the field for the name, over what may stand there
            screen.write(str(room.seen(folder / "eye.jpg")))
            screen.press("Return")

        screen.answer("Open Photographs", name_the_photograph)
        screen.window("eye.jpg")
        waits = iter((2, 10, 30, 60, 120))  # until the photograph is there, the key does nothing
        while not screen.seen_within(next(waits), r"eye.jpg\*"):
            screen.press("F5")
        screen.window("eye.jpg")
        screen.press("ctrl+e")
        screen.answer("Export", lambda: screen.press("Return"))
        sidecar = folder / "SERR results" / "eye.serr.json"
        screen.window("eye.jpg - ")  # without a star: the export has ended
        assert sidecar.is_file()
        with Image.open(sidecar.with_name("eye_mask.png")) as mask:
            assert dice(np.asarray(mask) > 127, read_reference()[0]) > 0.98
        screen.press("ctrl+q")
        assert program.wait(PATIENCE_S) == 0
    finally:
        program.kill()
        program.wait()


def test_the_guide_and_a_second_start(moved: Path, screen: Screen, tmp_path: Path) -> None:
    """F1 starts the system's own program with the system's own libraries; another start opens its file in the first."""
    told = tmp_path / "told.txt"
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s|%s" "$1" "$LD_LIBRARY_PATH" > "{told}.new"\nmv "{told}.new" "{told}"\n')
    opener.chmod(0o755)
    environ = clean_environment(tmp_path) | {"DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb"}
    environ["PATH"] = f"{opener.parent}:{environ['PATH']}"
    first = screen.program = subprocess.Popen([moved / "serr-gui"], env=environ)
    try:
        screen.window("SERR Fundus")
        screen.press("F1")
        screen.wait_for("the guide", told.is_file)
        page, libraries = told.read_text().split("|")
        assert page.endswith("resources/guide/index.html")
        assert libraries == ""
        shutil.copyfile(ROOT / "resources" / "sample" / "retina.jpg", tmp_path / "second eye.jpg")
        second = subprocess.run(
            [moved / "serr-gui", "second eye.jpg"], env=environ, cwd=tmp_path, timeout=PATIENCE_S, check=False
        )
        assert second.returncode == 0
        screen.window("second eye.jpg")
        first.send_signal(signal.SIGKILL)
        first.wait()
        third = screen.program = subprocess.Popen([moved / "serr-gui", "second eye.jpg"], env=environ, cwd=tmp_path)
        screen.window("second eye.jpg")
        third.kill()
        third.wait()
    finally:
        first.kill()
        first.wait()
