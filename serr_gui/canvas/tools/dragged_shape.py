"""What tools that drag one shape about have in common: it changes while the button is down, and is kept at its end."""

from abc import abstractmethod
from typing import Generic, TypeVar

from core.masks.strokes import Point
from serr_gui.canvas.tools import Pointer, Tool

Shape = TypeVar("Shape")


class DraggedShapeTool(Tool, Generic[Shape]):
    """Keeps the shape as it is shown, as the drag began with it, and as it was before, for those who cancel."""

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)  # type: ignore[arg-type]
        self._shape: Shape | None = None
        self._before: Shape | None = None
        self._kept: Shape | None = None
        self._dragging = False
        self._from: Point = (0.0, 0.0)

    @abstractmethod
    def _tell(self, shape: Shape) -> None:
        """Emit what the shape has become."""

    def _show(self, shape: Shape | None) -> None:
        """Take a shape from outside; not while it is being moved."""
        if not self._dragging and shape != self._shape:
            self._shape = shape
            self.looksChanged.emit()

    @property
    def is_busy(self) -> bool:
        return self._dragging

    def release(self, pointer: Pointer) -> None:
        self.move(pointer)
        self.finish()

    def finish(self) -> None:
        dragged, self._dragging = self._dragging, False
        if dragged and self._shape is not None and self._shape != self._kept:
            self._tell(self._shape)

    def cancel(self) -> bool:
        if not self._dragging:
            return False
        self._shape, self._dragging = self._kept, False
        self.looksChanged.emit()
        return True

    def reset(self) -> None:
        self._shape = self._before = self._kept = None
        self._dragging = False
