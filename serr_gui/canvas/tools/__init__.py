"""What the mouse does to the photograph besides moving it: one tool at a time, and none for the hand."""

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from core.masks.strokes import Point


@dataclass(frozen=True, slots=True)
class Pointer:
    """The mouse on the photograph: ``at`` in photograph pixels, with the button that was pressed or let go."""

    at: Point
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier


class View(Protocol):
    """What a tool needs to know of the view: where a point of the photograph is, in device pixels."""

    @property
    def zoom(self) -> float: ...

    def device_point(self, x: float, y: float) -> tuple[float, float]: ...


class Tool(Protocol):
    """A tool of the view. It paints nothing into the photograph: it says what it touched."""

    @property
    def is_busy(self) -> bool:
        """Whether a stroke is running."""
        ...

    def press(self, pointer: Pointer) -> None: ...

    def move(self, pointer: Pointer) -> None: ...

    def release(self, pointer: Pointer) -> None: ...

    def finish(self) -> None:
        """End what is running, as if the button had been let go."""
        ...

    def cancel(self) -> bool:
        """Give up what is running; False where nothing is."""
        ...

    def paint(self, painter: QPainter, view: View, at: Point) -> None:
        """Show at the pointer, in device pixels, what a press would touch."""
        ...

    def reach_px(self) -> float:
        """How far from the pointer ``paint`` paints, in photograph pixels; infinite for all of the view."""
        ...
