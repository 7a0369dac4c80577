"""Where a table has a dash in place of a score, it says why."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.datasets.dataset_file import read_dataset_file
from core.inference.predictor import InferenceOptions
from core.measures import shapes
from core.measures.shapes import Drawing, draw
from core.measures.summary import measure_vessels
from core.measures.tortuosity import tortuosity
from core.model_comparison import compare_models
from serr_gui.model.measuring import Measured
from serr_gui.panels.measure.tables import SegmentModel
from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
from serr_gui.widgets.score_texts import DASH
from tests.gui.conftest import StartProgram
from tests.job_runs import drawn_dataset


def test_a_comparison_of_models_says_why_a_score_is_undefined(
    start: StartProgram, qtbot: QtBot, tmp_path: Path, small_models: Path
) -> None:
    small, file = small_models / "small.safetensors", drawn_dataset(tmp_path)
    cases = read_dataset_file(file).part("test")
    result = compare_models(small, small, cases, name="drawn", root=tmp_path, options=InferenceOptions(device="cpu"))
    program = start()
    dialog = ModelsComparedDialog(program.state, (small, "small"), file, None, program.window)
    dialog._show_result(result)
    cells = [
        (cell.text(), cell.toolTip())
        for row in range(dialog.table.rowCount())
        for column in range(dialog.table.columnCount())
        if (cell := dialog.table.item(row, column)) is not None
    ]
    dashes = [tip for text, tip in cells if text == "-"]
    assert dashes, "a model does not differ from itself, so there is no p"
    assert set(dashes) == {"Undefined: the two models do not differ on any photograph."}
    assert not any(tip for text, tip in cells if text != "-")
    dialog.deleteLater()


def test_a_segment_without_width_or_chord_says_why() -> None:
    values = draw(shapes.arc(30, 6, 360), Drawing(90, 0, (0.3, 0.2)))
    values[0:3, 10:60] = 1.0  # the picture ends at its upper edge
    model = SegmentModel()
    measures = measure_vessels(values, np.ones(values.shape, np.bool_))
    windings = tuple(tortuosity(vessel.line) for vessel in measures.tree.vessels)
    model.set_measured(Measured(None, measures, windings=windings))  # type: ignore[arg-type]
    said = set()
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            index = model.index(row, column)
            tip = index.data(Qt.ItemDataRole.ToolTipRole)
            assert (index.data() == DASH) == bool(tip)
            said.add(tip)
    assert any(tip and "no chord" in tip for tip in said)
    assert any(tip and "clear edges" in tip for tip in said)
