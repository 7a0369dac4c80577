"""The questionable layer: pixels of which a person cannot tell what they show, painted over any mask."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.masks.edits import VESSEL, Box, difference, with_delta
from core.masks.strokes import Footprint, within
from core.session.packing import packed_bits
from core.types import ByteArray
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.model.editing import EditStep
from serr_gui.model.selectors import can_edit


class QuestionablePainting(QObject):
    """``shown`` carries the layer that is painted, uint8 (H, W), or None, ``changed`` the box that changed in it."""

    shown = Signal(object)
    changed = Signal(object)

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        self._painted: ByteArray | None = None
        self._box: Box | None = None
        self._path: Path | None = None
        self._mark = True
        history.register("questionable", self._apply_step)
        history.beforeStep.connect(self.finish)
        events = context.state.events
        for event in (events.task, events.side_task):
            event.connect(lambda _new=None: self.finish())
        events.document.connect(self._on_document)

    def begin(self, code: int) -> None:
        """A stroke begins; that of the brush marks pixels, that of the eraser takes the mark away."""
        state, document = self._context.state, self._context.state.document
        if self._painted is not None or document is None or not can_edit(state):
            return
        if not state.view.show_questionable:
            state.view = replace(state.view, show_questionable=True)  # nobody paints what is not seen
        before = document.questionable
        self._painted = np.zeros(document.image.shape, np.uint8) if before is None else before.copy()
        self._path, self._mark, self._box = document.path, code == VESSEL, None
        self.shown.emit(self._painted)

    def step(self, footprint: Footprint) -> None:
        """Mark what a brush has touched, or take the mark away, as far as it lies in the field of view."""
        painted, document = self._painted, self._context.state.document
        if painted is None or document is None:
            return
        part = within(footprint, (painted.shape[0], painted.shape[1]))
        if part is None:
            return
        height, width = part.pixels.shape
        box: Box = (part.top, part.left, part.top + height, part.left + width)
        place = (slice(box[0], box[2]), slice(box[1], box[3]))
        self._box = box if self._box is None else _around(self._box, box)
        touched = part.pixels if document.fov is None else part.pixels & document.fov.inside[place]
        painted[place][touched] = self._mark
        self.changed.emit(box)

    def finish(self) -> None:
        """The stroke is done: one step of Undo."""
        painted, self._painted = self._painted, None
        box, self._box = self._box, None
        document = self._context.state.document
        if painted is None or document is None or document.path != self._path:
            return
        delta = None
        if box is not None:  # and not in the whole photograph, which would be felt
            place = (slice(box[0], box[2]), slice(box[1], box[3]))
            after, layer = painted[place], document.questionable
            delta = difference(np.zeros_like(after) if layer is None else layer[place], after, (box[0], box[1]))
        if delta is None:
            self.shown.emit(document.questionable)
            return
        self._take(document.path, painted)
        name = self.tr("Questionable") if self._mark else self.tr("Not Questionable")
        self._history.push(document.path, EditStep(name, delta, "questionable"))

    def give_up(self) -> None:
        """The stroke shall not have been."""
        document = self._context.state.document
        if self._painted is not None:
            self._painted = None
            self.shown.emit(document.questionable if document is not None else None)

    def apply(self, _name: str, footprint: Footprint, code: int) -> None:
        """Mark an area, or take the mark away."""
        self.finish()
        self.begin(code)
        self.step(footprint)
        self.finish()

    def _apply_step(self, path: Path, step: EditStep, back: bool) -> bool:
        document = self._context.state.document
        if document is None or step.delta is None:
            return False
        now = np.zeros(document.image.shape, np.uint8) if document.questionable is None else document.questionable
        self._take(path, with_delta(now, step.delta, back=back))
        return True

    def _take(self, path: Path, layer: ByteArray) -> None:
        """The layer has come to rest: it is kept with the photograph, and everything that shows or counts follows."""
        layer.setflags(write=False)
        is_empty = not layer.any()
        packed = b"" if is_empty else packed_bits(layer.view(np.bool_))
        self._context.set_item(path, questionable=packed, unsaved=True)
        state = self._context.state
        if state.document is not None and state.document.path == path:
            state.document = replace(state.document, questionable=None if is_empty else layer)

    def _on_document(self) -> None:
        document = self._context.state.document
        if document is None or document.path != self._path:
            self._painted = None


def _around(one: Box, other: Box) -> Box:
    """The smallest box that holds both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
