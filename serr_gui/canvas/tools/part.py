"""Changing a whole part of the mask with a click: a branch, a connected vessel, a region that vessels enclose.

Which part is under the pointer is found in a thread; it is shown before the click changes it.
"""

from typing import Final, Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPainter

from core.masks.edits import BACKGROUND, VESSEL
from core.masks.strokes import Footprint, Point
from serr_gui.canvas.tools import Pointer, Tool, View
from serr_gui.canvas.tools.preview import Preview

PartKind = Literal["branch", "component", "enclosed"]
_CODE: Final[dict[PartKind, int]] = {"branch": BACKGROUND, "component": BACKGROUND, "enclosed": VESSEL}
Pixel = tuple[int, int]


class PartTool(Tool):
    """``lookRequested`` carries kind, row and column; ``take_part`` the answer.

    ``chosen`` carries the pixels and the code that they get: branches and connected vessels are removed, and kept where
    Ctrl is held (vessel at every threshold); enclosed regions are filled.
    """

    lookRequested = Signal(str, int, int)
    chosen = Signal(object, int)

    def __init__(self, kind: PartKind, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind: PartKind = kind
        self.reset()

    def reset(self) -> None:
        self._asked: Pixel | None = None
        self._preview: Preview | None = None
        self._clicked: tuple[Pixel, int] | None = None
        self._code = _CODE[self.kind]

    @property
    def part(self) -> Footprint | None:
        """The part that is shown."""
        return self._preview.footprint if self._preview is not None else None

    def press(self, pointer: Pointer) -> None:
        if pointer.erases and self.kind == "enclosed":
            return
        self._clicked = (pointer.pixel, self._code_of(pointer))
        if self._shows(pointer.pixel):
            self._choose()
        else:
            self._ask(pointer.pixel)

    def move(self, pointer: Pointer) -> None:
        code = self._code_of(pointer)
        if self._shows(pointer.pixel):
            if code != self._code and self._preview is not None:
                self._code, self._preview = code, Preview(self._preview.footprint, code)
                self.looksChanged.emit()
            return
        self._code = code
        if self._preview is not None:
            self._preview = None
            self.looksChanged.emit()
        if pointer.pixel != self._asked:
            self._ask(pointer.pixel)

    def cancel(self) -> bool:
        waited = self._clicked is not None
        self._clicked = None
        return waited

    def finish(self) -> None:
        self.reset()

    def take_part(self, kind: str, pixel: Pixel, part: Footprint | None) -> None:
        """What is under a pixel that was asked for; None: nothing of this kind."""
        if kind != self.kind or pixel != self._asked:
            return
        code = self._clicked[1] if self._clicked is not None else self._code
        self._preview = Preview(part, code) if part is not None else None
        if self._clicked is not None and self._clicked[0] == pixel:
            self._choose()
        self.looksChanged.emit()

    def _shows(self, pixel: Pixel) -> bool:
        """Whether what is shown is what is under a pixel; at a crossing that is a branch next to it."""
        return self._preview is not None and (pixel == self._asked or _holds(self._preview.footprint, pixel))

    def _ask(self, pixel: Pixel) -> None:
        self._asked = pixel
        self.lookRequested.emit(self.kind, *pixel)

    def _choose(self) -> None:
        clicked, part = self._clicked, self.part
        self._clicked = self._preview = self._asked = None
        if clicked is not None and part is not None:
            self.chosen.emit(part, clicked[1])

    def _code_of(self, pointer: Pointer) -> int:
        keeps = pointer.inverts and not pointer.erases and self.kind != "enclosed"
        return VESSEL if keeps else _CODE[self.kind]

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        if self._preview is not None and at is not None:
            self._preview.paint(painter, view)


def _holds(part: Footprint, pixel: Pixel) -> bool:
    row, column = pixel[0] - part.top, pixel[1] - part.left
    height, width = part.pixels.shape
    return 0 <= row < height and 0 <= column < width and bool(part.pixels[row, column])
