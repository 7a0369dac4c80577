"""The field of view corrected by hand: a circle, areas that are added or taken away, and strokes of the brush."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.masks.edits import VESSEL
from core.masks.strokes import Footprint, within
from core.types import BoolArray
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.photos import PhotoController
from serr_gui.model.selectors import may_undo
from serr_gui.model.state import FovChoice


class FovPainting(QObject):
    """``outlineChanged`` carries the field of view that is being drawn, bool (H, W), for the view alone."""

    outlineChanged = Signal(object)

    def __init__(self, context: ControllerContext, photos: PhotoController) -> None:
        super().__init__(context)
        self._context, self._photos = context, photos
        self._inside: BoolArray | None = None
        self._adds = True
        self._sent: tuple[Path, BoolArray] | None = None
        context.state.events.document.connect(self._on_document)

    def begin(self, code: int) -> None:
        """A stroke begins; that of the brush adds, that of the eraser takes away."""
        state = self._context.state
        if self._inside is None and may_undo(state):
            if not state.view.show_fov:
                state.view = replace(state.view, show_fov=True)  # nobody paints what is not seen
            self._inside, self._adds = self._now(), code == VESSEL

    def step(self, footprint: Footprint) -> None:
        """Add what a brush has touched, or take it away."""
        if self._inside is not None and _change(self._inside, footprint, adds=self._adds):
            self.outlineChanged.emit(self._inside)

    def finish(self) -> None:
        """The stroke is done: one step of Undo."""
        inside, self._inside = self._inside, None
        if inside is not None:
            self._take(inside)

    def give_up(self) -> None:
        """The stroke shall not have been."""
        if self._inside is not None:
            self._inside = None
            self._show_as_it_is()

    def apply(self, _name: str, footprint: Footprint, code: int) -> None:
        """Add an area, or take it away."""
        self.begin(code)
        self.step(footprint)
        self.finish()

    def set_circle(self, x: float, y: float, radius: float) -> None:
        """The field of view is a circle, as far as it lies in the photograph; lengths in photograph pixels."""
        document = self._context.state.document
        if document is None or not may_undo(self._context.state):
            return
        height, width = document.image.shape
        rows, columns = np.arange(height) + 0.5 - y, np.abs(np.arange(width) + 0.5 - x)
        reach = np.sqrt(np.maximum(radius**2 - rows**2, 0.0))
        self._take((columns[None, :] <= reach[:, None]) & (np.abs(rows) <= radius)[:, None])

    def _now(self) -> BoolArray | None:
        """The field of view as it is, or as it will be when the last change is there."""
        document = self._context.state.document
        if document is None:
            return None
        if self._sent is not None and self._sent[0] == document.path:
            return self._sent[1].copy()
        if document.fov is None:
            return np.zeros(document.image.shape, np.bool_)
        return document.fov.inside.copy()

    def _take(self, inside: BoolArray) -> None:
        document = self._context.state.document
        if document is None:
            return
        if not inside.any():
            self._context.notify("warning", self.tr("A field of view cannot be empty."), until="photo")
            self._show_as_it_is()
        elif document.fov is None or not np.array_equal(document.fov.inside, inside):
            self._sent = document.path, inside
            self.outlineChanged.emit(inside)
            self._photos.set_fov(FovChoice.edited(inside))

    def _show_as_it_is(self) -> None:
        document = self._context.state.document
        self.outlineChanged.emit(document.fov.inside if document is not None and document.fov is not None else None)

    def _on_document(self) -> None:
        sent, self._sent = self._sent, None
        document = self._context.state.document
        if document is None:
            self._inside = None
        elif sent is not None and sent[0] == document.path:
            self._show_as_it_is()  # also where what was drawn could not be used


def _change(inside: BoolArray, footprint: Footprint, *, adds: bool) -> bool:
    """Put a footprint in, or out, in place, as far as it lies in the photograph; whether anything changed."""
    part = within(footprint, (inside.shape[0], inside.shape[1]))
    if part is None:
        return False
    height, width = part.pixels.shape
    place = inside[part.top : part.top + height, part.left : part.left + width]
    changes = part.pixels & (place != adds)
    place[changes] = adds
    return bool(changes.any())
