"""What does not fit scrolls: no panel and no form makes its window larger than the screen."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QStyle, QWidget

_PANEL_PX: Final = 290


def scrolling(panel: QWidget, *, sideways: bool = False) -> QScrollArea:
    """A panel that scrolls where it does not fit.

    ``sideways``: also from left to right; else its place is at least as wide as the panel.
    """
    area = QScrollArea()
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    if not sideways:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = area.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        area.setMinimumWidth(max(_PANEL_PX, panel.minimumSizeHint().width() + bar))
    return area
