"""An annotator's hour: every tool by mouse and keys, Undo and Redo of all, a kill, recovery, export, replay."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from scipy import ndimage

from core.cli import main
from core.resources import sample_path
from core.session.archive import read_session
from serr_gui.app import Program
from serr_gui.model.selectors import fov_circle
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_keeping import KilledHere, continued, flushed, killed_here
from tests.gui.test_segmenting import export
from tests.gui.test_sessions import save_as
from tests.gui.test_vessel_tools import Place, click, course, deepest, mask, searched, shown_part

__all__ = ["killed_here"]

Shift, Ctrl = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
Right = Qt.MouseButton.RightButton
WRITTEN: Final = ("mask", "questionable", "fov", "probability")


class Annotator(Hand):
    """A hand that waits until each of its deeds is a step of Undo, and remembers what was there after it."""

    def __init__(self, program: Program, qtbot: QtBot) -> None:
        super().__init__(program, qtbot)
        program.window.resize(1280, 860)
        self.canvas.zoom_to(1.0)
        self.state = program.state
        self.names: list[str] = []
        self.after = [self.seen()]

    def at_rest(self) -> bool:
        busy = self.program.controller.context.workers.busy
        return self.state.task is None and not any(busy(slot) for slot in ("fov", "shape", "trace", "part", "gaps"))

    def seen(self) -> dict[str, str]:
        """Hashes of every byte that a step may change; no mask before there is a result."""
        document = self.state.document
        assert document is not None
        assert document.fov is not None
        found = {"fov": document.fov.inside, "questionable": document.questionable}
        if document.result is not None:
            found |= {"levels": document.result.levels, "mask": document.result.mask(self.state.rule).vessel}
        empty = hashlib.sha256(b"").hexdigest()
        return {
            name: empty if values is None else hashlib.sha256(values.tobytes()).hexdigest()
            for name, values in found.items()
        }

    def looks_at(self, at: Place) -> Place:
        """Bring a point to the middle of the view, where a mouse can reach it."""
        self.canvas.zoom_to(1.0)
        self.canvas.centre_on(*at)
        return at

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of Undo whose name begins so, and no other, comes of what is done in here."""
        yield
        wanted = len(self.names) + 1
        self.qtbot.waitUntil(lambda: len(self.state.editing.steps) == wanted and self.at_rest(), timeout=WAIT_MS)
        steps = self.state.editing.steps
        assert [*self.names, steps[-1]] == list(steps)
        assert steps[-1].startswith(name)
        self.names.append(steps[-1])
        self.after.append(self.seen())

    def move_in_history(self, key: Qt.Key, keys: Qt.KeyboardModifier, done: int) -> None:
        self.key(key, keys)
        self.qtbot.waitUntil(lambda: self.state.editing.done == done and self.at_rest(), timeout=WAIT_MS)
        wanted = self.after[done]
        self.qtbot.waitUntil(lambda: self.seen().items() >= wanted.items(), timeout=WAIT_MS)


@pytest.fixture(params=["sample", "DRIVE"])
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A photograph of a real retina; the sample at half its size, for the time that the test takes."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    if request.param == "sample":
        with Image.open(sample_path()) as sample:
            sample.reduce(2).save(folder / "eye.png")
        return folder / "eye.png"
    drive: Path = request.getfixturevalue("serr_data") / "DRIVE" / "test" / "images" / "01_test.tif"
    return Path(shutil.copy(drive, folder / "eye.tif"))


def field_of_view(hand: Annotator) -> None:
    """A circle by its handles, then the eraser, then a polygon of the lasso; the network is run in what is left."""
    hand.key(Qt.Key.Key_W, Shift)
    circle = fov_circle(hand.state)
    assert circle is not None
    x, y, radius = circle
    with hand.step("Field of View"):
        hand.stroke((x - radius, y), (x - 0.95 * radius, y))
    hand.key(Qt.Key.Key_3)
    hand.program.controller.editing.set_size(40)
    with hand.step("Field of View"):
        hand.stroke((x, y - 0.9 * radius), (x + 0.2 * radius, y - 0.9 * radius), button=Right)
    with hand.step("Field of View"):
        hand.stroke((x, y - 0.9 * radius))
    hand.key(Qt.Key.Key_1)
    hand.key(Qt.Key.Key_F5)
    hand.qtbot.waitUntil(lambda: hand.state.result is not None and hand.at_rest(), timeout=WAIT_MS)


def painting(hand: Annotator, at: Place) -> None:
    """Brush and eraser with both buttons, Ctrl, Shift, X and the keys for the size."""
    x, y = at
    hand.key(Qt.Key.Key_B)
    hand.program.controller.editing.set_size(8)
    for _ in range(4):
        hand.key(Qt.Key.Key_BracketRight)
    with hand.step("Brush"):
        hand.stroke((x, y), (x + 40, y + 15), (x + 30, y + 60))
    with hand.step("Eraser"):
        hand.stroke((x + 10, y), (x + 20, y + 30), button=Right)
    with hand.step("Eraser"):
        hand.stroke((x + 30, y), (x + 30, y + 20), keys=Ctrl)
    with hand.step("Brush"):
        hand.stroke((x - 40, y), (x - 20, y + 50), (x - 40, y + 60), keys=Shift)
    with hand.step("Brush"):
        hand.press((x - 80, y), keys=Shift)
        hand.release((x - 80, y))
    hand.key(Qt.Key.Key_X)
    with hand.step("Eraser"):
        hand.stroke((x - 60, y), (x - 40, y + 40))
    with hand.step("Brush"):
        hand.stroke((x - 60, y), (x - 50, y + 20), keys=Ctrl)
    hand.key(Qt.Key.Key_E)
    hand.key(Qt.Key.Key_BracketLeft)
    with hand.step("Eraser"):
        hand.stroke((x, y + 60), (x + 60, y + 60))


def vessels(hand: Annotator) -> None:
    """Trace, Bridge, Find Gaps, Prune, Connected Vessel and Fill."""
    points = course(mask(hand))
    hand.key(Qt.Key.Key_T)
    hand.looks_at(points[len(points) // 5])
    with hand.step("Trace"):
        click(hand, points[3])
        searched(hand)
        click(hand, points[len(points) // 4])
        searched(hand)
        click(hand, points[len(points) // 3])
        searched(hand)
        hand.key(Qt.Key.Key_Backspace)
        hand.key(Qt.Key.Key_Return)
    bridge(hand)
    hand.key(Qt.Key.Key_J, Shift)
    hand.qtbot.waitUntil(lambda: bool(hand.state.editing.gaps), timeout=WAIT_MS)
    hand.key(Qt.Key.Key_Backspace)
    with hand.step("Bridge"):
        hand.key(Qt.Key.Key_Return)
    hand.key(Qt.Key.Key_K)
    at = hand.looks_at(deepest(mask(hand)))
    shown_part(hand, at)
    with hand.step("Prune"):
        click(hand, at)
    hand.key(Qt.Key.Key_I)
    at = hand.looks_at(deepest(mask(hand)))
    shown_part(hand, at)
    with hand.step("Keep Vessel"):
        click(hand, at, Ctrl)
    with hand.step("Remove Vessel"):
        click(hand, at)
    fill(hand)


def bridge(hand: Annotator) -> None:
    """Over what the eraser has cut through."""
    x, y = hand.looks_at(deepest(mask(hand)))
    hand.key(Qt.Key.Key_E)
    hand.program.controller.editing.set_size(10)
    before = mask(hand)
    with hand.step("Eraser"):
        hand.stroke((x, y))
    rim = ndimage.binary_dilation(before & ~mask(hand), iterations=3) & mask(hand)
    rows, columns = np.nonzero(rim)
    far = np.argmax(np.hypot(rows - rows[0], columns - columns[0]))
    hand.key(Qt.Key.Key_J)
    with hand.step("Bridge"):
        click(hand, (columns[0] + 0.5, rows[0] + 0.5))
        searched(hand)
        click(hand, (columns[far] + 0.5, rows[far] + 0.5))


def fill(hand: Annotator) -> None:
    """What a ring of the brush encloses."""
    x, y = hand.looks_at(middle(hand))
    hand.key(Qt.Key.Key_B)
    hand.program.controller.editing.set_size(9)
    with hand.step("Brush"):
        hand.stroke((x, y), (x + 60, y), (x + 60, y + 60), (x, y + 60), (x, y))
    hand.key(Qt.Key.Key_E)
    hand.program.controller.editing.set_size(30)
    with hand.step("Eraser"):
        hand.stroke((x + 30, y + 25), (x + 30, y + 35))
    hand.key(Qt.Key.Key_U)
    shown_part(hand, (x + 30, y + 30))
    with hand.step("Fill"):
        click(hand, (x + 30, y + 30))


def regions(hand: Annotator, at: Place) -> None:
    """The lasso in one go, corner by corner, and back to the network."""
    x, y = at
    square = ((x, y), (x + 50, y), (x + 50, y + 50), (x, y + 50))
    hand.key(Qt.Key.Key_S)
    with hand.step("Lasso"):
        hand.stroke(*square)
    hand.key(Qt.Key.Key_X)
    with hand.step("Erase with Lasso"):
        for corner in ((x + 20, y + 20), (x + 90, y + 20), (x + 90, y + 90)):
            click(hand, corner)
        hand.key(Qt.Key.Key_Return)
    with hand.step("Lasso"):
        hand.stroke((x + 60, y + 60), (x + 80, y + 60), (x + 80, y + 80), keys=Ctrl)
    hand.program.window.commands["lasso_network"].trigger()
    with hand.step("Give Back to the Network"):
        hand.stroke((x + 40, y), (x + 80, y), (x + 80, y + 80), (x + 40, y + 80))


def questionable(hand: Annotator, at: Place) -> None:
    x, y = at
    hand.key(Qt.Key.Key_2)
    hand.key(Qt.Key.Key_B)
    with hand.step("Questionable"):
        hand.stroke((x, y), (x + 40, y))
    with hand.step("Not Questionable"):
        hand.stroke((x + 30, y - 20), (x + 30, y + 20), button=Right)
    hand.key(Qt.Key.Key_1)


def middle(hand: Annotator) -> Place:
    circle = fov_circle(hand.state)
    assert circle is not None
    return circle[0], circle[1]


def correct(hand: Annotator) -> None:
    field_of_view(hand)
    x, y = hand.looks_at(middle(hand))
    painting(hand, (x, y + 60))
    vessels(hand)
    hand.looks_at((x, y))
    regions(hand, (x - 100, y - 100))
    questionable(hand, (x + 80, y - 60))
    with hand.step("Threshold"):
        hand.key(Qt.Key.Key_Period)
        hand.key(Qt.Key.Key_Period)
    with hand.step("Threshold"):
        hand.key(Qt.Key.Key_O)
    hand.key(Qt.Key.Key_Return, Ctrl)
    assert hand.state.notices[-1].text == "This photograph is done."


def test_every_tool_then_undo_redo_kill_recovery_export_and_replay_to_the_same_bytes(
    picture: Path,
    start: StartProgram,
    qtbot: QtBot,
    killed_here: KilledHere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = start(picture)
    hand = Annotator(first, qtbot)
    correct(hand)
    total = len(hand.names)
    for done in reversed(range(total)):
        hand.move_in_history(Qt.Key.Key_Z, Ctrl, done)
    assert np.array_equal(hand.result.levels, hand.result.segmentation.probability.levels)
    assert first.state.document is not None
    assert first.state.document.questionable is None
    assert not first.window.commands["undo"].isEnabled()
    for done in range(1, total + 1):
        hand.move_in_history(Qt.Key.Key_Y, Ctrl, done)
    assert not first.window.commands["redo"].isEnabled()

    flushed(first)
    killed_here()
    second = start()
    continued(second, qtbot)
    again = Annotator(second, qtbot)
    assert again.after == hand.after[-1:]
    assert second.state.editing.steps == tuple(hand.names)
    again.after = hand.after
    again.move_in_history(Qt.Key.Key_Z, Ctrl, total - 1)
    again.move_in_history(Qt.Key.Key_Y, Ctrl, total)

    export(second, qtbot, tmp_path / "window")
    session = tmp_path / "work.serr-session"
    save_as(second, session, qtbot, monkeypatch)
    assert len(read_session(session).record.photos) == 1
    capsys.readouterr()
    for words in (("session", "export", session), ("replay", session)):
        assert main([*map(str, words), "--out", str(tmp_path / words[0])]) == 0, capsys.readouterr()
    for kind in WRITTEN:
        files = [next((tmp_path / folder).glob(f"*_{kind}.*")) for folder in ("window", "session", "replay")]
        assert len({file.read_bytes() for file in files}) == 1, f"three ways wrote different files of {kind}"
