"""Names below narrow boxes do not touch."""

import pytest
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from serr_gui.widgets.box_plot import Box, BoxPlot

NAMES = ("ACC", "SE", "SP", "PPV", "F1", "IoU", "MCC", "Kappa", "clDice", "Thin SE", "AUC")


@pytest.mark.parametrize("width", [220, 380, 900])
def test_names_below_narrow_boxes_do_not_touch(qtbot: QtBot, width: int) -> None:
    plot = BoxPlot()
    qtbot.addWidget(plot)
    plot.resize(width, 220)
    plot.set_boxes([Box(name, (("eye", 0.8),)) for name in NAMES])
    metrics, lines = QFontMetricsF(plot._small_font()), plot._lines()
    ends = [float("-inf")] * lines
    for number, (at, _, said) in enumerate(plot.places()):
        half = metrics.horizontalAdvance(NAMES[number]) / 2
        middle = plot._x(number + 0.5)
        assert NAMES[number] in said
        assert middle - half > ends[number % lines]
        ends[number % lines] = middle + half
        assert at.y() < plot.height() - lines * metrics.height()
