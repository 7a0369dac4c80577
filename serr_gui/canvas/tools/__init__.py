"""What the mouse does to the photograph besides moving it: one tool at a time, and none for the hand.

A new tool derives from ``Tool`` and overrides what it needs. It knows neither the state nor the controllers: it emits
signals of its own for what a person did, and attributes are set on it for what it must know (``brush.py`` is short).
``serr_gui/window/canvas_tools.py`` makes the tools and joins both ends.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainter

from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.masks.strokes import Point


@dataclass(frozen=True, slots=True)
class Pointer:
    """The mouse, or a pen, on the photograph.

    ``at`` : in photograph pixels. ``button`` : the one that was pressed or let go; a pen's eraser is the right one.
    ``pressure`` : of a pen, 0 to 1; None for a mouse.
    """

    at: Point
    button: Qt.MouseButton
    modifiers: Qt.KeyboardModifier
    pressure: float | None = None

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column of the pixel under it, which may lie outside the photograph."""
        return math.floor(self.at[1]), math.floor(self.at[0])

    @property
    def erases(self) -> bool:
        """Whether it was the right button, which erases with every tool."""
        return self.button == Qt.MouseButton.RightButton

    @property
    def inverts(self) -> bool:
        """Whether Ctrl is held, which does the opposite."""
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)

    def code_for(self, code: int) -> int:
        """What is painted by a tool that paints ``code``: the right button background, with Ctrl the opposite."""
        if self.erases:
            return BACKGROUND
        if not self.inverts or code == UNTOUCHED:
            return code
        return VESSEL if code == BACKGROUND else BACKGROUND

    @property
    def straight(self) -> bool:
        """Whether Shift is held, which draws straight lines."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)


class View(Protocol):
    """What a tool needs to know of the view: where a point of the photograph is, in device pixels."""

    @property
    def zoom(self) -> float:
        """Device pixels for one photograph pixel."""
        ...

    def device_point(self, x: float, y: float) -> tuple[float, float]: ...


class Tool(QObject):
    """A tool of the view. It changes nothing by itself: it says what it touched.

    ``looksChanged`` asks the view to paint again what the tool shows, where that changes without the mouse.
    """

    looksChanged = Signal()

    @property
    def is_busy(self) -> bool:
        """Whether a button is held that belongs to the tool: the view then gives it every move and the release."""
        return False

    def press(self, pointer: Pointer) -> None:
        """The left or the right button went down."""

    def move(self, pointer: Pointer) -> None:
        """The pointer moved, with or without a button."""

    def release(self, pointer: Pointer) -> None:
        """A button went up while the tool was busy."""

    def double_click(self, pointer: Pointer) -> None:
        """The second press of a double click, after the first came as ``press`` and ``release``: one more press."""
        self.press(pointer)

    def key(self, key: Qt.Key) -> bool:
        """A key went down in the view; whether the tool had a use for it."""
        return False

    def finish(self) -> None:
        """End what a held button has begun, as if it had been let go: work begins, or the tool is put away."""

    def cancel(self) -> bool:
        """Esc: give up what was begun; False where nothing is, which puts the tool away."""
        return False

    def reset(self) -> None:
        """Another photograph is on the screen, or none: forget every place on the one before."""

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        """Show, in device pixels, what was begun, and what a press at ``at`` would touch (None: no pointer)."""

    def reach_px(self) -> float:
        """How far from the pointer ``paint`` paints, in photograph pixels; infinite for all of the view."""
        return math.inf
