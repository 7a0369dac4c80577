"""The real program on real widgets, in folders of its own; leaked threads and windows and Qt's warnings fail a test."""

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import shiboken6
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent, QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case, write_drive_layout
from core.photo.reading import read_label
from serr_gui.app import Program
from serr_gui.model.batch import Batches
from serr_gui.model.settings import Settings
from serr_gui.model.training import Trainings
from serr_gui.panels.export_dialog import ExportDialog
from serr_gui.start_options import StartOptions
from serr_gui.system.garbage import GarbageSearch
from tests.small_model import save_small_model

SIDE = 160
"""Of drawn photographs, in pixels."""
WAIT_MS = 60_000
"""Long enough for a slow machine; nothing here waits for a time to pass."""


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small models, "other" and "small"."""
    folder = tmp_path_factory.mktemp("models")
    save_small_model(folder / "small.safetensors")
    save_small_model(folder / "other.safetensors", name="other", default_threshold=0.5)
    return folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside the test's own folder is read or written."""
    for name in ("CONFIG", "CACHE", "LOG"):
        monkeypatch.setenv(f"SERR_{name}_DIR", str(tmp_path / "own" / name.lower()))
    monkeypatch.setenv("SERR_JOBS", str(tmp_path / "own" / "jobs"))


@pytest.fixture(autouse=True)
def garbage_found_in_the_windows_thread(qapp: QApplication) -> Iterator[None]:
    """As in the program: what a test has left of windows and plots must not end in a worker's thread."""
    search = GarbageSearch()
    search.open()
    yield
    search.close()
    gc.freeze()  # what a test leaves for good is not looked through after each later one


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication) -> Iterator[None]:
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    left = [widget for widget in qapp.topLevelWidgets() if widget.isVisible()]
    assert not left, f"windows left open: {left}"
    # By type: some lazy objects of other libraries warn when they are asked what they are an instance of.
    kinds = _kinds(QThread)
    threads = [thing for thing in gc.get_objects() if type(thing) in kinds and shiboken6.isValid(thing)]
    running = [thread for thread in threads if thread.isRunning()]
    assert not running, f"threads left running: {running}"


def _kinds(kind: type) -> set[type]:
    """A class and all that are derived from it."""
    return {kind}.union(*map(_kinds, kind.__subclasses__()))


@pytest.fixture(autouse=True)
def no_qt_warnings(qtlog: object) -> Iterator[None]:
    yield
    harmless = ("This plugin does not support", "propagateSizeHints")  # what the offscreen platform cannot do
    said = [
        record.message
        for record in qtlog.records  # type: ignore[attr-defined]
        if record.log_type_name != "QtDebugMsg" and not record.message.startswith(harmless)
    ]
    assert not said, f"Qt warned: {said}"


StartProgram = Callable[..., Program]


@pytest.fixture
def start(
    qapp: QApplication, qtbot: QtBot, small_models: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StartProgram]:
    """Starts programs with the small model, on the CPU, and ends them after the test whatever they were doing."""
    monkeypatch.setenv("SERR_MODELS", str(small_models))
    programs: list[Program] = []
    font = qapp.font()

    def start_program(*paths: Path, settings: Settings | None = None, **options: object) -> Program:
        chosen = settings or Settings(model=str(small_models / "small.safetensors"), device="cpu")
        program = Program(qapp, StartOptions(paths=paths, **options), chosen)  # type: ignore[arg-type]
        programs.append(program)
        program.start()
        qtbot.waitUntil(lambda: program.state.library_ready and program.state.opening is None, timeout=WAIT_MS)
        if paths:
            qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
        return program

    yield start_program
    for program in programs:
        program.controller.shutdown()
        program.state.task, program.state.side_task, program.state.photos = None, None, ()  # nothing left to ask about
        program.state.trainings, program.state.batches = Trainings(), Batches()
        program.window.close()
        program.window.deleteLater()
        program.controller.deleteLater()
    qapp.setFont(font)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def looked(qtbot: QtBot, dialog: ExportDialog) -> None:
    """Wait until an export dialog knows what is in its folder."""
    qtbot.waitUntil(lambda: not dialog.is_looking, timeout=WAIT_MS)


def settled(program: Program) -> bool:
    """Whether a photograph was opened, or refused."""
    state = program.state
    done = state.document is not None or (state.item is not None and state.item.status == "failed")
    return state.opening is None and done


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ``photos`` and ``drive`` copy; drawing it for each test took a tenth of the time of all."""
    root = tmp_path_factory.mktemp("drawn")
    (root / "photographs").mkdir()
    for seed, number in enumerate((1, 2, 10)):
        Image.fromarray(draw_case(seed + 10, 160).image.rgb).save(root / "photographs" / f"eye {number}.png")
    test = write_drive_layout(root, 2, side=SIDE, first_seed=20) / "test"
    for path in (test / "2nd_manual").iterdir():
        vessel = read_label(path).vessel.astype(np.uint8)
        thick = np.asarray(cv2.dilate(vessel, np.ones((3, 3), np.uint8)), np.uint8)
        thick[:, : SIDE // 3] = 0
        Image.fromarray(thick * 255).save(path)
    return root


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Three drawn photographs in a folder."""
    folder = shutil.copytree(drawn / "photographs", tmp_path / "photographs")
    return folder / "eye 1.png", folder / "eye 2.png", folder / "eye 10.png"


@pytest.fixture
def photo(photos: tuple[Path, Path, Path]) -> Path:
    return photos[0]


@pytest.fixture
def drive(drawn: Path, tmp_path: Path) -> Path:
    """The test part of a small drawn DRIVE whose second observer drew less, and thicker."""
    return shutil.copytree(drawn / "DRIVE", tmp_path / "DRIVE") / "test"
