"""Joining two ends of vessels with two clicks, or with the ways that the program proposes."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainter

from core.masks.edits import VESSEL
from core.masks.strokes import Point
from core.masks.tracing import Trace
from serr_gui.canvas.tools import View
from serr_gui.canvas.tools.preview import Preview, paint_line
from serr_gui.canvas.tools.trace import TraceTool


class BridgeTool(TraceTool):
    """A trace of one piece. While a way is proposed, Enter and Backspace answer: ``taken`` or ``skipped``."""

    taken = Signal()
    skipped = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent, one_piece=True)
        self._proposed: Trace | None = None
        self._proposed_preview: Preview | None = None

    def propose(self, trace: Trace | None) -> None:
        """Show a way that joins two vessels; None shows none."""
        self._proposed = trace
        self._proposed_preview = Preview(trace.footprint(self.factor), VESSEL) if trace is not None else None
        self.looksChanged.emit()

    def key(self, key: Qt.Key) -> bool:
        if self.has_begun or self._proposed is None:
            return super().key(key)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken.emit()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.skipped.emit()
        else:
            return False
        return True

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        if self._proposed is not None and self._proposed_preview is not None:
            self._proposed_preview.paint(painter, view)
            paint_line(painter, view, list(self._proposed.points))
        super().paint(painter, view, at)

    def reach_px(self) -> float:
        return float("inf") if self._proposed is not None else super().reach_px()
