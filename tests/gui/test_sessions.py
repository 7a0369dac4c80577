"""Session files in the window: saved, opened again where one was, with everything that was done."""

import hashlib
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from core.progress import SILENT
from core.session.archive import PhotoContent, read_session, write_session
from core.session.journal import Journal
from core.session.journal_log import read_log
from core.session.records import MapPlace, PhotoRecord, PhotoRef, SessionRecord
from serr_gui.app import Program
from serr_gui.controllers import session_task
from serr_gui.model.settings import Settings
from serr_gui.tasks.sessions import open_session
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_editing import Hand
from tests.gui.test_keeping import continued, painted
from tests.gui.test_segmenting import answer, segment

Photos = tuple[Path, Path, Path]


def save_as(
    program: Program, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, *, embed: bool = False
) -> None:
    def dialog(*arguments: object) -> tuple[str, str]:
        return str(path), str(arguments[3]).split(";;")[int(embed)]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
    program.window.commands["save_session_as"].trigger()
    qtbot.waitUntil(lambda: any("is saved" in each.text for each in program.state.notices), timeout=WAIT_MS)


def opened(program: Program, path: Path, qtbot: QtBot) -> None:
    program.window.prompts.open_session_file(path)
    qtbot.waitUntil(lambda: program.state.session == path and settled(program), timeout=WAIT_MS)


def test_a_session_opens_where_one_was_with_everything_that_was_done(
    start: StartProgram,
    qtbot: QtBot,
    photos: Photos,
    small_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(model=str(small_models / "small.safetensors"), device="cpu", observer="A. Nnotator")
    first = start(*photos, settings=settings)
    segment(first, qtbot)
    painted(first, qtbot)
    first.controller.nudge_level(9)
    first.controller.annotating.set_done([photos[2]], True)
    first.window.canvas.centre_on(50.0, 60.0)
    before, rule = first.state.result, first.state.rule
    assert before is not None
    path = tmp_path / "work.serr-session"
    save_as(first, path, qtbot, monkeypatch)
    assert not [item for item in first.state.photos if item.unsaved]
    assert read_session(path).record.observer == "A. Nnotator"
    for photo in photos:  # the folder is moved, with the session in it
        photo.parent.joinpath("moved").mkdir(exist_ok=True)
        shutil.move(photo, photo.parent / "moved" / photo.name)
    moved = photos[0].parent / "moved" / path.name
    shutil.move(path, moved)
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))

    program = start()
    opened(program, moved, qtbot)
    state = program.state
    assert [item.path for item in state.photos] == [moved.parent / photo.name for photo in photos]
    assert state.photos[2].marks.done
    assert not [item for item in state.photos if item.unsaved]
    assert state.result is not None
    assert np.array_equal(state.result.levels, before.levels)
    assert state.rule == rule
    canvas = program.window.canvas
    qtbot.waitUntil(lambda: not canvas.is_fitted, timeout=WAIT_MS)
    assert canvas.zoom == pytest.approx(first.window.canvas.zoom)
    middle = canvas.image_point(canvas.rect().center().toPointF())
    assert (middle.x(), middle.y()) == (pytest.approx(50.0, abs=2), pytest.approx(60.0, abs=2))
    program.window.commands["undo"].trigger()
    assert state.photos[0].unsaved
    program.window.commands["save_session"].trigger()  # to the same file, which its results came from
    qtbot.waitUntil(lambda: any("is saved" in each.text for each in state.notices), timeout=WAIT_MS)
    again = read_session(moved).record.photos[0]
    assert again.edits is not None
    assert (len(again.edits.steps), again.edits.done) == (3, 2)  # two strokes are left; the threshold is taken back
    assert again.map is not None


def test_a_session_that_takes_time_shows_how_far_it_is_and_can_be_cancelled(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_task, "_SHOWN_AFTER_MS", 0)
    program = start(*photos)
    state, bar = program.state, program.window.session_task_bar
    path = tmp_path / "work.serr-session"
    save_as(program, path, qtbot, monkeypatch)
    before = path.read_bytes()
    photos[1].unlink()
    os.mkfifo(photos[1])  # reading it, to put it into the session, takes until somebody writes

    def shown() -> bool:
        return bar.isVisible() and "work.serr-session" in bar._text._full

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *words: (str(path), words[3].split(";;")[1]))
    program.window.commands["save_session_as"].trigger()
    qtbot.waitUntil(shown, timeout=WAIT_MS)
    qtbot.mouseClick(bar.findChildren(QToolButton)[-1], Qt.MouseButton.LeftButton)
    assert state.session_task is not None
    assert state.session_task.cancelling

    def cancelled() -> bool:
        # Whoever waits for a writer goes on; opened like this, a pipe that nobody reads any more does not wait, either.
        os.close(os.open(photos[1], os.O_RDWR | os.O_NONBLOCK))
        return any("was cancelled" in each.text for each in state.notices)

    qtbot.waitUntil(cancelled, timeout=WAIT_MS)
    assert not bar.isVisible()
    assert path.read_bytes() == before


def test_a_session_that_is_not_opened_after_all_leaves_everything_as_it_was(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_task, "_SHOWN_AFTER_MS", 0)
    path = tmp_path / "work.serr-session"
    first = start(*photos[1:])
    segment(first, qtbot)
    save_as(first, path, qtbot, monkeypatch)
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))
    program = start(photos[0])
    state, bar, window = program.state, program.window.session_task_bar, program.window
    segment(program, qtbot)
    hand = painted(program, qtbot)
    journal = program.controller.keeping.journal
    program.controller.keeping.write()
    assert journal.flush(60)
    before = read_log(journal.folder).state

    # Cancelled when its first result is here, while the photograph on the screen is corrected further.
    go_on, import_result = threading.Event(), journal.import_result

    def waiting(place: MapPlace, shape: tuple[int, int]) -> MapPlace:
        made = import_result(place, shape)
        assert go_on.wait(60)
        return made

    monkeypatch.setattr(journal, "import_result", waiting)
    answered: list[str] = []
    QTimer.singleShot(0, answer("Replace Them", answered))
    window.prompts.open_session_file(path)
    qtbot.waitUntil(bar.isVisible, timeout=WAIT_MS)
    assert "results of 1" in answered[0]
    hand.stroke((30, 50), (50, 50))
    program.controller.annotating.set_note(photos[0], "meanwhile")
    qtbot.mouseClick(bar.findChildren(QToolButton)[-1], Qt.MouseButton.LeftButton)
    go_on.set()
    qtbot.waitUntil(lambda: any("was cancelled" in each.text for each in state.notices), timeout=WAIT_MS)
    assert not bar.isVisible()
    assert [item.path for item in state.photos] == [photos[0]]
    assert state.result is not None
    assert state.result.is_corrected
    assert len(state.editing.steps) == 3
    qtbot.waitUntil(lambda: _note(journal.folder) == "meanwhile", timeout=WAIT_MS)  # without another change
    assert journal.flush(60)
    now = read_log(journal.folder).state
    assert now.map_files == before.map_files == {file.name for file in (journal.folder / "maps").iterdir()}
    (record,) = now.records(journal.folder)
    assert record.edits is not None
    assert record.edits.done == 3

    # Opened in earnest, it takes their place.
    QTimer.singleShot(0, answer("Replace Them", answered))
    opened(program, path, qtbot)
    assert [item.path for item in state.photos] == list(photos[1:])
    assert state.result is not None


def test_what_cannot_be_opened_takes_the_place_of_nothing(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    (tmp_path / "nothing").mkdir()
    broken = tmp_path / "broken.serr-session"
    broken.write_bytes(b"PK no session")
    for place, said in ((broken, "broken"), (tmp_path / "nothing", "nothing")):
        QTimer.singleShot(0, answer("Replace Them", []))
        program.window.prompts.open_recent(place)
        qtbot.waitUntil(lambda said=said: any(said in each.text for each in program.state.notices), timeout=WAIT_MS)  # type: ignore[misc]
        assert [item.path for item in program.state.photos] == [photo]


def _note(journal: Path) -> str:
    records = read_log(journal).state.records(journal)
    return records[0].note if records else ""


def test_embedded_photographs_open_where_nothing_else_is_left(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(photo)
    before = segment(first, qtbot)
    path = tmp_path / "work.serr-session"
    save_as(first, path, qtbot, monkeypatch, embed=True)
    content = photo.read_bytes()
    photo.unlink()
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))
    program = start(path)  # as from a file manager
    qtbot.waitUntil(lambda: program.state.session == path and settled(program), timeout=WAIT_MS)
    assert program.state.document is not None
    assert program.state.document.path.read_bytes() == content
    assert program.state.result is not None
    assert np.array_equal(program.state.result.levels, before.levels)


def test_quitting_while_sessions_are_saved_and_opened_loses_nothing(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(photo)
    segment(first, qtbot)
    path, *others = (tmp_path / f"{name}.serr-session" for name in ("work", "second", "third"))
    save_as(first, path, qtbot, monkeypatch)
    hand = Hand(first, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.press((60, 60))
    hand.drag((90, 70))
    sessions = first.controller.sessions
    for other in others:
        sessions.save(other, None, embed=False)
    sessions.open(path)
    first.controller.annotating.set_note(photo, "just now")
    assert first.window.close()
    for other in others:
        assert read_session(other).record.photos[0].photo.path == photo
    program = start()
    continued(program, qtbot)
    assert program.state.result is not None
    assert program.state.result.is_corrected
    marks = program.state.photos[0].marks
    assert marks.note == "just now"
    assert marks.seconds > 0


def test_results_stay_in_the_session_where_the_journal_has_no_room_for_them(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(photo)
    before = segment(first, qtbot)
    path = tmp_path / "work.serr-session"
    save_as(first, path, qtbot, monkeypatch)
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))
    program = start()
    journal = program.controller.keeping.journal
    monkeypatch.setattr(journal, "_maps_bytes", 1)
    opened(program, path, qtbot)
    assert program.state.result is not None
    assert np.array_equal(program.state.result.levels, before.levels)
    assert journal.flush(60)
    (record,) = read_log(journal.folder).state.records(journal.folder)
    assert (record.photo.path, record.map) == (photo, None)


def test_what_is_missing_is_said_and_the_rest_opens(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(*photos)
    segment(first, qtbot)
    path = tmp_path / "work.serr-session"
    save_as(first, path, qtbot, monkeypatch)
    photos[1].unlink()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))
    program = start()
    opened(program, path, qtbot)
    assert len(program.state.photos) == 3
    said = " ".join(notice.text for notice in program.state.notices)
    assert "is cut short" in said
    assert f"next to the session: {photos[1].name}" in said
    broken = tmp_path / "broken.serr-session"
    broken.write_bytes(b"nothing")
    QTimer.singleShot(0, answer("Add to Them", []))
    program.window.prompts.open_session_file(broken)
    qtbot.waitUntil(lambda: "broken" in program.state.notices[-1].text, timeout=WAIT_MS)
    program.controller.keeping.write()
    assert program.controller.keeping.journal.flush(60)


def embedding(path: Path, ref: PhotoRef, data: bytes) -> Path:
    write_session(path, SessionRecord((PhotoRecord(ref),)), lambda _index: PhotoContent(embed=data))
    return path


def test_a_session_puts_its_photographs_nowhere_else(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, data = tmp_path / "home", photo.read_bytes()
    home.mkdir()
    monkeypatch.setenv("SERR_CONFIG_DIR", str(home / "config"))
    leading = (str(tmp_path / "e"), "../../e", "..", ".", "/", "a/../../../e", "con\n")
    for number, sha256 in enumerate((*leading, hashlib.sha256(b"another").hexdigest(), None)):
        for name in ("gone.png", ".bashrc", "..", "x.desktop"):
            path = embedding(tmp_path / f"{number}.serr-session", PhotoRef(Path("/nowhere") / name, sha256), data)
            opened = open_session(path, Journal(tmp_path / "journals"), [], SILENT)
            found = opened.photos[0].kept.item.path
            if sha256 is None:
                assert found.read_bytes() == data
                assert found.parent.parent == home / "config" / "embedded"
                assert found.name == ("gone.png" if name == "gone.png" else "photograph.png")
            else:  # not the photograph that it says
                assert found == Path("/nowhere") / name
                assert any("Not found where they were" in each for each in opened.problems)
    kept = {path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".serr-session"}
    assert kept <= {*photo.parent.iterdir(), *(home / "config" / "embedded").rglob("*")}
