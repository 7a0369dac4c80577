"""Names, notes and settings that somebody else wrote: shown letter by letter, and never in the way of a start."""

import json
import multiprocessing
import os
import re
import sys
import tempfile
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QMessageBox, QPushButton, QToolTip
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case
from core.jobs.records import JobRequest, JobStatus
from core.jobs.store import create_job, jobs_folder, write_status
from core.models.catalogue import ModelEntry
from core.models.weights_header import read_card
from serr_gui.model.label_choices import FILE_NAME as CHOICES
from serr_gui.model.label_choices import LabelChoices, load_choices, remember
from serr_gui.model.settings import FILE_NAME, config_folder, load_settings, save_settings
from serr_gui.model.state import FovChoice
from serr_gui.panels.model_card_dialog import ModelCardDialog
from serr_gui.start_options import StartOptions
from serr_gui.system.single_instance import Instance, _name
from serr_gui.window.dialogs import AboutDialog
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.small_model import save_small_model

ROOT = Path(__file__).resolve().parents[2]
MARKUP = '<img src="marker.png"><b>x</b>'


def rich_labels() -> list[str]:
    """Labels that are seen and would take a text for markup; Qt draws these as rich text."""
    labels = [widget for widget in QApplication.allWidgets() if isinstance(widget, QLabel) and widget.isVisible()]
    assert labels
    return [label.text() for label in labels if label.textFormat() != Qt.TextFormat.PlainText]


def test_no_name_or_note_is_taken_for_markup(start: StartProgram, tmp_path: Path, qtbot: QtBot) -> None:
    """A photograph, a model, a job and a notice with markup in all their texts, and all panels open."""
    models = tmp_path / "models"
    models.mkdir()
    model = save_small_model(models / "small.safetensors", notes=MARKUP, trained_on=MARKUP, licence=MARKUP)
    job = create_job(JobRequest(MARKUP, notes=MARKUP, data=MARKUP), MARKUP)
    write_status(job.folder, JobStatus(state="failed", sentence=MARKUP, start_id="a", device=MARKUP))
    photo = tmp_path / (MARKUP.replace("/", "_") + ".png")
    Image.fromarray(draw_case(3, 160).image.rgb).save(photo)
    program = start(photo, model=str(model))
    program.window.show()
    program.controller.context.notify("error", MARKUP)
    qtbot.waitUntil(lambda: bool(program.state.trainings.jobs), timeout=WAIT_MS)
    for dock in program.window.findChildren(QDockWidget):
        dock.show()
        dock.raise_()
        QApplication.processEvents()
        assert rich_labels() == [], dock.objectName()


def test_message_boxes_and_tooltips_show_markup_as_it_is(start: StartProgram, qtbot: QtBot) -> None:
    program = start()
    program.window.show()
    box = QMessageBox(program.window)
    box.setText(MARKUP)
    box.setInformativeText(MARKUP)
    box.open()
    texts = [label for label in box.findChildren(QLabel) if label.text() == MARKUP]
    assert len(texts) == 2
    assert {label.textFormat() for label in texts} == {Qt.TextFormat.PlainText}
    box.close()
    QToolTip.showText(program.window.mapToGlobal(QPoint(5, 5)), MARKUP, program.window)
    (tip,) = [widget for widget in QApplication.allWidgets() if widget.inherits("QTipLabel")]
    assert isinstance(tip, QLabel)
    assert tip.text() == MARKUP
    assert tip.textFormat() == Qt.TextFormat.PlainText
    QToolTip.hideText()


def test_the_programs_own_formatted_words_stay_formatted(start: StartProgram, qtbot: QtBot) -> None:
    about = AboutDialog(start().window)
    about.open()
    formatted = [label for label in about.findChildren(QLabel) if label.textFormat() == Qt.TextFormat.RichText]
    assert len(formatted) == 2
    assert sorted(rich_labels()) == sorted(label.text() for label in formatted)
    about.close()


def test_no_source_asks_for_markup_elsewhere() -> None:
    """Whatever draws HTML without being a label is not seen by the guard."""
    forbidden = re.compile(
        r"\b(setHtml|insertHtml|appendHtml|RichText|AutoText|MarkdownText|setMarkdown|QTextBrowser)\b"
    )
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {match[0]}"
        for path in (ROOT / "serr_gui").rglob("*.py")
        for match in forbidden.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == {
        "serr_gui/window/dialogs.py: RichText",
        "serr_gui/widgets/plain_text.py: AutoText",
        "serr_gui/panels/help_dialog.py: QTextBrowser",  # pages of the guide
        "serr_gui/panels/model_card_dialog.py: QTextBrowser",  # escapes what a card says, see below
        "serr_gui/panels/model_card_dialog.py: setHtml",
    }


def test_a_model_card_is_shown_letter_by_letter(tmp_path: Path, qtbot: QtBot) -> None:
    path = save_small_model(
        tmp_path / "small.safetensors",
        **dict.fromkeys(("notes", "trained_on", "licence"), MARKUP),
        scores=({"data": MARKUP, "protocol": MARKUP, MARKUP: 0.5},),
    )
    dialog = ModelCardDialog(ModelEntry(read_card(path), path, bundled=False), has_page=False)
    qtbot.addWidget(dialog)
    assert dialog.text.toPlainText().count(MARKUP) == 6
    assert "<img" not in dialog.text.toHtml()


# ------------------------------------------------------------------------------------------------------------ settings


def test_halves_of_characters_cost_only_their_key_and_settings_can_be_saved_again() -> None:
    folder = config_folder()
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text('{"recent":["\\ud800\\udfff\\ud800"],"last_folder":"\\udc80","theme":"dark"}')
    settings, bad = load_settings()
    assert (set(bad), settings.theme, settings.recent, settings.last_folder) == (
        *({"recent", "last_folder"}, "dark", (), ""),
    )
    save_settings(settings)
    assert load_settings() == (settings, ())


def test_names_that_are_no_text_do_not_keep_settings_from_being_saved() -> None:
    settings, _ = load_settings()
    save_settings(replace(settings, recent=("/a", "/\udcff", "/\ud800"), last_folder="/\udcff", theme="dark"))
    read, bad = load_settings()
    assert bad == ()
    assert (read.recent, read.last_folder, read.theme) == (("/a",), "", "dark")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"recent": NaN}', '{"recent": ' + "9" * 5000 + "}", '{"a":1,"a":2}'])
def test_settings_that_cannot_be_are_said_and_replaced(text: str) -> None:
    folder = config_folder()
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text(text)
    settings, bad = load_settings()
    assert bad == (FILE_NAME,)
    save_settings(settings, since=settings)
    assert load_settings() == (settings, ())


def test_a_damaged_job_is_shown_and_can_only_be_removed(start: StartProgram, qtbot: QtBot) -> None:
    bad = jobs_folder() / "20260101-000000-0001"
    bad.mkdir(parents=True)
    (bad / "job.json").write_text('{"a":' * 10_000)
    good = create_job(JobRequest("good"), "")
    write_status(good.folder, JobStatus(state="paused", start_id="a"))
    program = start()
    program.window.show()
    qtbot.waitUntil(lambda: len(program.state.trainings.jobs) == 2, timeout=WAIT_MS)
    program.controller.training.choose(bad.name)
    qtbot.waitUntil(lambda: program.state.trainings.chosen == bad.name, timeout=WAIT_MS)
    panel = program.window.trainings
    shown = [label.text() for label in panel.findChildren(QLabel)]
    assert any("job.json" in text for text in shown)
    buttons = {button.text(): button for button in panel.findChildren(QPushButton)}
    assert not any(button.isVisibleTo(panel) for name, button in buttons.items() if name in {"Pause", "Resume", "Stop"})


# ---------------------------------------------------------------------------------------- two windows, one set of files


def test_two_windows_keep_one_anothers_settings() -> None:
    first, _ = load_settings()
    save_settings(first)
    ours = replace(first, theme="dark", recent=("/ours",), view=replace(first.view, show_mask=False))
    theirs = replace(first, device="cpu", recent=("/theirs",), view=replace(first.view, base="green"))
    save_settings(ours, since=first)
    save_settings(theirs, since=first)
    both, bad = load_settings()
    assert bad == ()
    assert (both.theme, both.device, both.recent) == ("dark", "cpu", ("/theirs", "/ours"))
    assert (both.view.show_mask, both.view.base) == (False, "green")


def _choose(folder: str, number: int, ready: Barrier) -> None:
    os.environ["SERR_CONFIG_DIR"] = folder
    ready.wait()
    for each in range(30):
        remember(Path(f"/window {number}/eye {each}.png"), LabelChoices(fov=FovChoice("full")))


def test_choices_of_several_windows_at_once_are_all_kept(tmp_path: Path) -> None:
    folder = config_folder()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(3)
    windows = [context.Process(target=_choose, args=(str(folder), number, ready)) for number in range(3)]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
        assert window.exitcode == 0
    kept = json.loads((folder / CHOICES).read_text(encoding="utf-8"))["photographs"]
    assert len(kept) == 90


def test_a_bad_record_of_choices_costs_only_itself() -> None:
    folder = config_folder()
    folder.mkdir(parents=True)
    good = {"field of view": {"wish": "full", "file": ""}}
    records = {
        "/good.png": good,
        "/\ud800.png": good,
        "/no text.png": {"expert 1": {"file": "\ud800"}},
        "/list.png": [],
    }
    (folder / CHOICES).write_text(json.dumps({"version": 1, "photographs": records}))
    remember(Path(os.fsdecode(b"/not \xff utf-8.png")), LabelChoices(fov=FovChoice("full")))
    for photo in ("/good.png", os.fsdecode(b"/not \xff utf-8.png")):
        assert load_choices(Path(photo)).fov == FovChoice("full")
    assert load_choices(Path("/list.png")) == LabelChoices()


# ---------------------------------------------------------------------------------------------------- the only instance


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes have no folder")
def test_the_socket_is_in_a_folder_that_nobody_else_may_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, temporary = tmp_path / "runtime", tmp_path / "temporary"
    for folder, mode in ((runtime, 0o700), (temporary, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert Path(str(_name())).parent == runtime
    runtime.chmod(0o755)
    own = temporary / f"serr-fundus-{os.getuid()}"
    assert Path(str(_name())).parent == own
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    assert _name() is None
    own.chmod(0o700)
    own.rename(tmp_path / "elsewhere")
    own.symlink_to(tmp_path / "elsewhere")
    assert _name() is None
    assert not Instance().hand_over({"paths": ["/patient.png"]})


GONE = QLocalSocket.LocalSocketState.UnconnectedState


def test_a_flood_or_nonsense_on_the_socket_is_cut_off(qtbot: QtBot) -> None:
    instance = Instance()
    asked: list[object] = []
    instance.asked.connect(asked.append)
    instance.listen()
    for words in (b"x" * (3 << 20), b"[" * 100_000 + b"\n", b"\xff\n", b"[]\n", b'{"a": NaN}\n'):
        connection = QLocalSocket()
        connection.connectToServer(str(_name()))
        assert connection.waitForConnected(WAIT_MS)
        connection.write(words)
        connection.flush()
        if words != b"[]\n":
            qtbot.waitUntil(lambda connection=connection: connection.state() == GONE, timeout=WAIT_MS)
        connection.abort()
    assert asked == []
    instance.close()


@pytest.mark.parametrize(
    "values",
    [{}, {"paths": 5}, {"paths": [5]}, {"paths": "x", "sample": 0, "segment": 0, "threshold": None}]
    + [{"paths": [], "sample": False, "segment": False, "threshold": threshold} for threshold in ("x", 7, [], 1e300)],
    ids=str,
)
def test_requests_of_another_program_are_passed_over(start: StartProgram, values: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        StartOptions.from_handed(values)
