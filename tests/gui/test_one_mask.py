"""A corrected result: whatever shows, counts, keeps or writes its mask uses the corrections, at every threshold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from core.evaluation.confusion import count
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.threshold_rule import ThresholdRule
from core.types import ExpertLabel
from serr_gui.app import Program
from serr_gui.model.comparison import ComparisonInputs
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore
from serr_gui.tasks.comparing import compare
from tests.gui.conftest import StartProgram
from tests.gui.test_segmenting import export, read_mask, segment


class Monitor:
    """Lets a task run to its end."""

    def step(self, progress: object) -> None: ...

    def note(self, text: str) -> None: ...

    def yield_result(self, part: object) -> None: ...


def corrected(result: Result) -> Result:
    """The result with a bar of forced vessel and a square of forced background."""
    edits = MaskEdits(result.segmentation.probability.levels)
    edits.paint(20, 10, np.ones((3, 40), np.bool_), VESSEL)
    edits.paint(40, 40, np.ones((60, 60), np.bool_), BACKGROUND)
    return Result.of(result.segmentation, result.model_path, edits)


def show(program: Program, result: Result) -> None:
    document = program.state.document
    assert document is not None
    program.controller.context.store.put(document.path, result)
    program.state.document = replace(document, result=result)


def test_view_share_and_file_follow_the_corrections(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    result = corrected(segment(program, qtbot))
    show(program, result)
    for level in (1, 90, 255):
        program.controller.set_level(level)
        wanted = result.segmentation.probability.levels >= level
        wanted[20:23, 10:50] = True
        wanted[40:100, 40:100] = False
        assert np.array_equal(program.window.canvas.shown_mask(), wanted)
        inside = result.segmentation.fov.inside
        assert result.vessel_share(level) == np.count_nonzero(wanted & inside) / np.count_nonzero(inside)
    program.controller.set_level(120)
    export(program, qtbot, tmp_path / "out")
    written = next((tmp_path / "out").glob("*_mask.png"))
    assert np.array_equal(read_mask(written), result.mask(ThresholdRule(120)).vessel)
    assert '"edited": true' in next((tmp_path / "out").glob("*.serr.json")).read_text()


def test_scores_count_the_corrected_mask_at_every_threshold(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    result = corrected(segment(program, qtbot))
    fov = result.segmentation.fov
    label = ExpertLabel(np.random.default_rng(0).random(fov.shape) < 0.1)
    inputs = ComparisonInputs(result.segmentation.probability, result.levels, (label, None), fov, "fov")
    against = compare(inputs, Monitor()).scored_label[0]
    assert against is not None
    for level in (1, 77, 200, 255):
        rule = ThresholdRule(level)
        assert against.histogram.counts(rule) == count(result.mask(rule).vessel, label.vessel, fov.inside)


def test_corrections_stay_where_a_result_leaves_the_memory(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    result = corrected(segment(program, qtbot))
    store = ResultStore(memory_bytes=1)
    store.put(photo, result)
    store.spill(photo)
    assert store.in_memory(photo) is None
    back = store.get(photo, result.segmentation.image)
    assert back is not None
    assert back is not result
    assert np.array_equal(back.levels, result.levels)
    store.close()
