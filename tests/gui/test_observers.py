"""Two observers of one photograph: the session of the other is taken as an expert's label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from core.masks.edits import VESSEL, MaskEdits
from core.session.archive import PhotoContent, write_session
from core.session.maps import result_members
from core.session.records import EditsRecord, PackedMask, PhotoRecord, PhotoRef, SessionRecord
from core.threshold_rule import ThresholdRule
from serr_gui.app import Program
from serr_gui.model.comparison import LabelSlot
from serr_gui.model.score_selectors import model_counts
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import segment


def slot(program: Program) -> LabelSlot | None:
    document = program.state.document
    return document.labels[0] if document is not None else None


def test_the_session_of_the_other_is_compared_with(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    program = start(*photos)
    found = segment(program, qtbot).segmentation
    edits = MaskEdits(found.probability.levels)
    touched = np.zeros(found.image.shape, np.bool_)
    touched[50:60, 60:100] = True
    edits.paint(0, 0, touched & found.fov.inside, VESSEL)
    open_pixels = np.zeros_like(touched)
    open_pixels[100:110, 60:100] = True
    record = PhotoRecord(
        PhotoRef(photos[0], found.image.sha256, found.image.shape),
        edits=EditsRecord(edits.packed()),
        questionable=PackedMask.of(open_pixels),
        rule=ThresholdRule(100),
    )
    path = tmp_path / "other.serr-session"
    members = result_members(found, Path("small"))
    write_session(path, SessionRecord((record,)), lambda _index: PhotoContent(members))

    program.controller.comparison.load_label(0, path)
    qtbot.waitUntil(lambda: slot(program) is not None, timeout=WAIT_MS)
    loaded = slot(program)
    assert loaded is not None
    assert loaded.label is not None
    assert np.array_equal(loaded.label.vessel, edits.levels >= 100)
    assert loaded.label.ignored is not None
    assert np.array_equal(loaded.label.ignored, open_pixels)
    program.controller.set_level(100)

    def f1() -> float:
        counts = model_counts(program.state)
        return counts.scores().f1 if counts is not None else -1.0

    qtbot.waitUntil(lambda: 0.0 < f1() < 1.0, timeout=WAIT_MS)
    hand = Hand(program, qtbot)
    program.window.commands["start_label_1"].trigger()  # the other's work, to continue with
    qtbot.waitUntil(lambda: f1() == 1.0, timeout=WAIT_MS)
    assert np.array_equal(hand.result.mask(program.state.rule).vessel, loaded.label.vessel & found.fov.inside)

    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    program.controller.comparison.load_label(0, path)
    qtbot.waitUntil(lambda: slot(program) is not None, timeout=WAIT_MS)
    refused = slot(program)
    assert refused is not None
    assert "does not hold this photograph" in refused.problem
    write_session(path, SessionRecord((replace(record, map=None),)))
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    refused = slot(program)
    assert refused is not None
    assert "no mask of this photograph" in refused.problem
