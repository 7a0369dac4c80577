"""Results that were exported are there again the next day, where the files are still those that were written."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_keeping import flushed, painted
from tests.gui.test_segmenting import export, segment

Photos = tuple[Path, Path, Path]


def test_a_list_of_exported_photographs_is_segmented_the_next_day(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(*photos)
    segment(first, qtbot)
    hand = painted(first, qtbot)
    hand.key(Qt.Key.Key_Escape)
    first.controller.nudge_level(9)
    first.controller.annotating.set_note(photos[0], "by hand")
    first.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: all(item.status == "done" for item in first.state.photos), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: first.state.task is None, timeout=WAIT_MS)
    export(first, qtbot, photos[0].parent / "SERR results", "export_all")
    before, rule = first.state.result, first.state.rule
    assert before is not None
    Image.fromarray(draw_case(99, 160).image.rgb).save(photos[2])  # changed since
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "the next day"))

    program = start(photos[0].parent)
    state = program.state
    program.controller.keeping.write()
    qtbot.waitUntil(lambda: sum(item.status == "done" for item in state.photos) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: settled(program) and state.result is not None, timeout=WAIT_MS)
    assert [item.status for item in state.photos] == ["done", "done", "new"]
    assert not any(item.unsaved for item in state.photos)
    assert state.rule == rule
    after = state.result
    assert after is not None
    assert after.is_corrected
    assert np.array_equal(after.mask(state.rule).vessel, before.mask(rule).vessel)
    assert state.photos[0].marks.note == "by hand"
    hand = painted(program, qtbot)  # and from there on it is corrected like any other
    assert state.photos[0].unsaved
    flushed(program)


def test_a_result_whose_mask_was_changed_is_not_taken_for_ours(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "alone" / photo.name
    alone.parent.mkdir()
    shutil.copy(photo, alone)
    first = start(alone)
    segment(first, qtbot)
    export(first, qtbot, alone.parent)
    mask = np.asarray(Image.open(alone.with_name("eye 1_mask.png"))).copy()
    mask[40:60, 40:60] ^= 255
    Image.fromarray(mask).save(alone.with_name("eye 1_mask.png"))
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "the next day"))
    program = start(alone)
    program.controller.keeping.write()
    qtbot.waitUntil(lambda: not program.controller.context.workers.busy("exported"), timeout=WAIT_MS)
    assert program.state.photos[0].status == "new"
