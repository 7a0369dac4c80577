"""What happens around a run: a second start, the report of a crash, the guide, the log, the self-test's stored mask."""

import gc
import logging
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.models.catalogue import load_model
from serr_gui.app import freeze_when_loaded, tell_of_the_past
from serr_gui.model.state import AppState
from serr_gui.selftest import dice, read_reference
from serr_gui.start_options import StartOptions, parse
from serr_gui.system.crashes import REPORT, CrashReport
from serr_gui.system.desktop import guide_page
from serr_gui.system.logs import LOGGER, log_fault, log_folder, start_log
from serr_gui.system.single_instance import Instance
from tests.gui.conftest import WAIT_MS, StartProgram

ROOT = Path(__file__).resolve().parent.parent.parent


NEVER = (
    "PIL",
    "psutil",
    "torch",
    "sklearn",
    "scipy",
    "skimage",
    "lightning",
    "pyarrow",
    "fsspec",
    "pydicom",
    "tifffile",
    "h5py",
    "pydantic",
)
"""Heavy, and not needed to show a window."""
LATE_DOCKS = {"history", "curves", "evaluation", "batches", "measure", "trainings"}
"""Docks whose panels are made when they are first shown."""
LATE_MODULES = re.compile(
    r"serr_gui\.panels\.((batch|data_set|measure|training)\b|history|.*(curves|evaluation|_dialog)$)"
)
MOST_MODULES = 535
"""Besides the standard library's; 512 were counted."""


def test_the_window_is_shown_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom PySide6.QtWidgets import QApplication\nfrom serr_gui.app import Program\n"
        "from serr_gui.start_options import StartOptions\n"
        "from serr_gui.model.settings import Settings\napp = QApplication(['serr-gui'])\n"
        "program = Program(app, StartOptions(new_window=True), Settings())\nprogram.window.show()\n"
        "print(*sys.modules)\nprint(*(dock.objectName() for dock in program.window._docks if dock.widget() is None))\n"
        "program.end()"
    )
    environ = os.environ | {"SERR_CONFIG_DIR": str(tmp_path), "SERR_LOG_DIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    loaded, empty = ran.stdout.splitlines()
    modules = [name for name in loaded.split() if name.partition(".")[0] not in sys.stdlib_module_names]
    assert not [name for name in modules if name.partition(".")[0] in NEVER]
    assert "serr_gui.window.main_window" in modules
    assert not [name for name in modules if LATE_MODULES.match(name)]
    assert set(empty.split()) == LATE_DOCKS
    assert len(modules) <= MOST_MODULES, "more modules than a window needs: import what is heavy where it is used"


def second_start(*words: str, folder: Path) -> subprocess.Popen[bytes]:
    """The real program, started once more with the same settings."""
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "serr_gui", *words], cwd=folder, env=environ)


def test_a_second_start_hands_its_files_to_the_first_and_ends(start: StartProgram, photo: Path, qtbot: QtBot) -> None:
    program = start()
    instance = Instance(program.window)
    instance.asked.connect(program.take_over)
    instance.listen()
    second = second_start(photo.name, folder=photo.parent)
    qtbot.waitUntil(lambda: second.poll() is not None, timeout=WAIT_MS)
    assert second.returncode == 0
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    assert [item.path for item in program.state.photos] == [photo]
    instance.close()
    assert not Instance().hand_over(StartOptions((photo,)).handed())


def test_a_socket_that_a_dead_program_left_behind_does_not_matter(tmp_path: Path, qtbot: QtBot) -> None:
    script = "from PySide6.QtCore import QCoreApplication as A; a = A([]);"
    script += "from serr_gui.system.single_instance import Instance;"
    script += "Instance(a).listen(); import os; os._exit(0)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    instance = Instance()
    assert not instance.hand_over({})
    instance.listen()
    second = second_start("a b.png", folder=tmp_path)
    with qtbot.waitSignal(instance.asked, timeout=WAIT_MS) as asked:
        pass
    assert asked.args == [StartOptions((tmp_path / "a b.png",)).handed()]
    qtbot.waitUntil(lambda: second.poll() is not None, timeout=WAIT_MS)
    instance.close()


def test_what_a_later_start_cannot_hand_over_makes_it_a_program_of_its_own() -> None:
    for words in (["--selftest"], ["--new-window"], ["--model", "other"], ["--device", "cpu"]):
        assert parse(words).own_program
    options = parse(["eye.png", "--segment", "--draw-like", "DRIVE"])
    assert not options.own_program
    assert StartOptions.from_handed(options.handed()) == StartOptions(
        (Path("eye.png").absolute(),), segment=True, draw_like="DRIVE"
    )
    handed_by_an_older_program = {key: value for key, value in options.handed().items() if key != "draw_like"}
    assert StartOptions.from_handed(handed_by_an_older_program).paths == (Path("eye.png").absolute(),)
    with pytest.raises(SystemExit):
        parse(["--draw-like", "DRIVE", "--threshold", "0.5"])


def test_what_the_libraries_made_is_left_out_of_garbage_collections() -> None:
    """A look through all of torch's objects holds up the window's thread, too."""
    state = AppState()
    freeze_when_loaded(state)
    before, made = gc.get_freeze_count(), [[number] for number in range(1000)]
    state.library_ready = True
    assert gc.get_freeze_count() >= before + len(made)


def test_a_strange_request_is_ignored(start: StartProgram) -> None:
    program = start()
    program.take_over({"paths": 3})
    assert program.state.photos == ()


CRASH = """
import faulthandler, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from serr_gui.system.crashes import CrashReport
report = CrashReport()
print(repr(report.open()), flush=True)
def mend(patient="Erika Mustermann"):
    {end}
mend()
"""


def run_until(end: str) -> str:
    script = CRASH.format(end=end)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on core dumps is not known there")
def test_a_crash_is_told_once_at_the_next_start_and_kept(start: StartProgram) -> None:
    run_until("faulthandler._sigsegv()")
    report = CrashReport()
    text = report.open()
    assert "Segmentation fault" in text
    assert "in mend" in text
    assert text.startswith("SERR Fundus 0.")
    assert "Erika" not in text
    assert (log_folder() / REPORT).read_text(encoding="utf-8") == text
    assert {stat.S_IMODE(path.stat().st_mode) for path in log_folder().iterdir()} == {0o600}
    report.close()
    again = CrashReport()
    assert again.open() == ""
    again.close()
    program = start()
    tell_of_the_past(program.controller, (), text)
    notice = program.state.notices[-1]
    assert (notice.kind, notice.details) == ("warning", text)


def test_a_run_that_ends_well_leaves_no_report() -> None:
    assert run_until("report.close()") == "''"
    assert not list(log_folder().iterdir())


def test_another_program_that_runs_has_not_crashed() -> None:
    first = CrashReport()
    first.open()
    (log_folder() / "crash-1.tmp").touch()
    second = CrashReport()
    assert second.open() == ""
    assert (log_folder() / "crash-1.tmp").exists()
    second.close()
    first.close()


def test_the_log_turns_over_and_holds_no_names() -> None:
    start_log()
    handler = LOGGER.handlers[-1]
    try:
        for _ in range(8000):
            try:
                raise ValueError("Mustermann_Erika_1954.png")
            except ValueError as error:
                log_fault(error, error.__traceback__)
        files = sorted(log_folder().iterdir())
        if os.name != "nt":
            assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
            assert stat.S_IMODE(log_folder().stat().st_mode) == 0o700
        assert [path.name for path in files] == ["serr-gui.log", "serr-gui.log.1"]
        for path in files:
            assert path.stat().st_size <= 256 * 1024
            assert "Mustermann" not in path.read_text(encoding="utf-8")
    finally:
        LOGGER.removeHandler(handler)
        handler.close()
        logging.raiseExceptions = True


def test_the_guide_is_found() -> None:
    page = guide_page()
    assert page is not None
    assert "SERR Fundus" in page.read_text(encoding="utf-8")


def test_the_stored_mask_is_of_the_model_that_ships() -> None:
    mask, model = read_reference()
    assert mask.shape == (1411, 1411)
    assert model == load_model().sha256, "the default model has changed: run packaging/make_reference.py"
    assert dice(mask, mask) == 1.0
    assert dice(mask, mask[:-1]) == 0.0
    assert dice(mask, ~mask) == 0.0


def test_a_translation_that_lies_among_the_resources_is_spoken(tmp_path: Path) -> None:
    """From the texts in the source to another language on the screen, with Qt's own tools."""
    folder = tmp_path / "resources" / "translations"
    folder.mkdir(parents=True)
    tools = Path(sys.executable)
    script = ROOT / "packaging" / "make_translation.py"
    subprocess.run([tools, script, folder / "serr_de.ts"], check=True)
    text = (folder / "serr_de.ts").read_text(encoding="utf-8")
    source = "<source>Keyboard Shortcuts</source>"
    done = text.replace(
        f'{source}\n        <translation type="unfinished"></translation>', f"{source}<translation>Tasten</translation>"
    )
    assert done != text
    (folder / "serr_de.ts").write_text(done, encoding="utf-8")
    subprocess.run([tools.with_name("pyside6-lrelease"), "-silent", folder / "serr_de.ts"], check=True)
    shown = """
import sys
from pathlib import Path
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication
from serr_gui import app
app.resource_path = lambda *parts: Path(sys.argv[1], *parts)
QLocale.setDefault(QLocale("de"))
running = QApplication([])
app._speak_the_desktops_language(running)
from serr_gui.window.dialogs import ShortcutsDialog
print(ShortcutsDialog().windowTitle())
"""
    command = [tools, "-c", shown, tmp_path / "resources"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "Tasten"
