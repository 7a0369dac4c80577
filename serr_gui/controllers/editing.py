"""Corrections of the mask by hand: strokes become edits of the result, steps of Undo, and a photograph to be saved."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from core.masks.edits import UNTOUCHED, VESSEL, Box, EditDelta, MaskEdits, combined
from core.masks.strokes import Footprint, within
from core.types import ByteArray
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.model.comparison import StrokeCounts
from serr_gui.model.editing import (
    PAINTING_TOOLS,
    SIZES_PX,
    TRACING_TOOLS,
    WIDTHS_PERCENT,
    EditStep,
    LassoFill,
    PaintTarget,
    ToolName,
)
from serr_gui.model.result import Result
from serr_gui.model.score_selectors import comparison
from serr_gui.model.selectors import can_edit


@dataclass(slots=True)
class _Stroke:
    """A stroke that is being painted."""

    path: Path
    result: Result
    edits: MaskEdits
    code: int
    deltas: list[EditDelta] = field(default_factory=list)


class EditingController(QObject):
    """``levelsChanged`` carries the box (top, left, bottom, right) in which the levels on the screen have changed."""

    levelsChanged = Signal(object)

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        history.register("edits", self._apply_step)
        history.beforeStep.connect(self.finish)
        self._stroke: _Stroke | None = None
        events = context.state.events
        for event in (events.task, events.side_task):
            event.connect(self._on_work)
        events.document.connect(self._on_document)

    # The tool

    def set_tool(self, tool: ToolName) -> None:
        state = self._context.state
        target = "vessels" if tool == "hand" else state.editing.target  # what comes next is most often a vessel
        state.editing = replace(state.editing, tool=tool, target=target)

    def set_target(self, target: PaintTarget) -> None:
        """What brush and eraser paint; the brush is taken where neither is."""
        state = self._context.state
        tool = state.editing.tool if state.editing.tool in PAINTING_TOOLS else "brush"
        state.editing = replace(state.editing, tool=tool, target=target)

    def swap_tool(self) -> None:
        """The eraser for the brush, and the brush for everything else; the lasso paints, or erases."""
        editing = self._context.state.editing
        if editing.tool == "lasso":
            self.set_lasso("background" if editing.lasso == "vessel" else "vessel")
        else:
            self.set_tool("eraser" if editing.tool == "brush" else "brush")

    def set_lasso(self, fill: LassoFill) -> None:
        """What becomes of a region that the lasso outlines."""
        state = self._context.state
        state.editing = replace(state.editing, lasso=fill)

    def set_size(self, size_px: int) -> None:
        """Diameter of brush and eraser in photograph pixels."""
        state = self._context.state
        state.editing = replace(state.editing, size_px=min(max(size_px, SIZES_PX[0]), SIZES_PX[1]))

    def toggle_pressure(self) -> None:
        """Whether a pen draws as wide as it is pressed."""
        state = self._context.state
        state.editing = replace(state.editing, by_pressure=not state.editing.by_pressure)

    def set_width(self, percent: int) -> None:
        """Width of traced vessels, in percent of that of the vessel in the map."""
        state = self._context.state
        state.editing = replace(state.editing, width_percent=min(max(percent, WIDTHS_PERCENT[0]), WIDTHS_PERCENT[1]))

    def step_size(self, by: int) -> None:
        """Larger or smaller by a pixel, or by a tenth of a large brush; a traced vessel wider or narrower."""
        editing = self._context.state.editing
        if editing.tool in TRACING_TOOLS:
            self.set_width(editing.width_percent + 10 * by)
        else:
            self.set_size(editing.size_px + by * max(1, editing.size_px // 10))

    # Strokes

    @property
    def is_painting(self) -> bool:
        """Whether a stroke is running: the mask on the screen is then another one than that of the result."""
        return self._stroke is not None

    def begin(self, code: int) -> None:
        """A stroke begins that gives pixels this code (``core.masks.edits``)."""
        state = self._context.state
        self._context.finishSteps.emit()  # an Undo of before comes before
        if self._stroke is None and can_edit(state):
            self._stroke = self._opened(code)
            made = comparison(state)
            state.stroke = StrokeCounts(made) if made is not None and made.errors is not None else None

    def _opened(self, code: int) -> _Stroke | None:
        """The mask on the screen, made ready to be changed."""
        state, document = self._context.state, self._context.state.document
        if document is None or document.result is None:
            return None
        if not (state.view.show_mask or state.view.show_errors):
            state.view = replace(state.view, show_mask=True)  # nobody paints what is not seen
        result = document.result
        if result.edits is None:
            result = replace(result, edits=MaskEdits(result.base_levels))
            self._show(document.path, result)
        assert result.edits is not None
        return _Stroke(document.path, result, result.edits, code)

    def step(self, footprint: Footprint) -> None:
        """Paint what a brush has touched, as far as it lies in the field of view."""
        if self._stroke is not None:
            self._paint(self._stroke, footprint)

    def finish(self) -> None:
        """The stroke is done: one step of Undo."""
        stroke, self._stroke = self._stroke, None
        self._context.state.stroke = None
        if stroke is not None:
            name = self.tr("Brush") if stroke.code == VESSEL else self.tr("Eraser")
            self._close(stroke, name)

    def apply(self, name: str, footprint: Footprint, code: int) -> None:
        """Give pixels a code, as far as they lie in the field of view: one step of Undo of this name.

        Also where work has just begun, which ends what a tool has begun: like a stroke, it comes first.
        """
        self._context.finishSteps.emit()
        self.finish()
        change = self._opened(code)
        if change is not None:
            self._paint(change, footprint)
            self._close(change, name)

    def _paint(self, stroke: _Stroke, footprint: Footprint) -> None:
        state, level = self._context.state, self._context.state.shown_rule.level
        part = within(footprint, stroke.edits.shape)
        if part is None:
            return
        bottom, right = part.top + part.pixels.shape[0], part.left + part.pixels.shape[1]
        place = (slice(part.top, bottom), slice(part.left, right))
        before = stroke.edits.levels[place] >= level
        inside = stroke.result.segmentation.fov.inside[place]
        delta = stroke.edits.paint(part.top, part.left, part.pixels & inside, stroke.code)
        if delta is not None:
            stroke.deltas.append(delta)
            self.levelsChanged.emit(delta.box)
            if state.stroke is not None:
                state.stroke = state.stroke.after(part.top, part.left, before, stroke.edits.levels[place] >= level)

    def _close(self, stroke: _Stroke, name: str) -> None:
        delta = combined(stroke.deltas, stroke.edits)
        if delta is not None:
            self._history.push(stroke.path, EditStep(name, delta))
            self._take(stroke.path, stroke.result, stroke.edits, delta.box)

    def give_up(self) -> None:
        """The stroke shall not have been."""
        stroke, self._stroke = self._stroke, None
        self._context.state.stroke = None
        if stroke is not None:
            for delta in reversed(stroke.deltas):
                self.levelsChanged.emit(stroke.edits.undo(delta))

    def discard(self) -> None:
        """Give every pixel back to the network; a step of Undo like the others."""
        self._context.finishSteps.emit()
        result = self._context.state.result
        if result is not None and result.edits is not None:
            self.decide_all(self.tr("Discard Corrections"), result.edits.codes * np.uint8(UNTOUCHED))

    def decide_all(self, name: str, codes: ByteArray) -> None:
        """Give all pixels of the photograph the codes of an array, uint8 (H, W): one step of Undo of this name."""
        self._context.finishSteps.emit()
        self.finish()
        change = self._opened(VESSEL) if can_edit(self._context.state) else None
        if change is None:
            return
        delta = change.edits.replace((0, 0, *change.edits.shape), codes)
        if delta is not None:
            change.deltas.append(delta)
            self.levelsChanged.emit(delta.box)
            self._close(change, name)

    def _apply_step(self, path: Path, step: EditStep, back: bool) -> bool:
        change = self._opened(VESSEL)
        if change is None or step.delta is None:
            return False
        box = change.edits.undo(step.delta) if back else change.edits.redo(step.delta)
        place = (slice(box[0], box[2]), slice(box[1], box[3]))
        # The field of view may be another one than that in which the step was made.
        change.edits.replace(box, change.edits.codes[place] * change.result.segmentation.fov.inside[place])
        self.levelsChanged.emit(box)
        self._take(path, change.result, change.edits, box)
        return True

    # The state

    def _take(self, path: Path, result: Result, edits: MaskEdits, box: Box) -> None:
        """The edits have come to rest after a change inside a box: everything that shows or counts them follows."""
        self._context.set_item(path, unsaved=True, corrected=bool(edits))
        self._show(path, result.with_edits(edits, box))

    def _show(self, path: Path, result: Result) -> None:
        state = self._context.state
        self._context.store.renew(path, result)
        if state.document is not None and state.document.path == path:
            state.document = replace(state.document, result=result)

    def _on_work(self) -> None:
        """Work reads results that do not change: a stroke ends where it begins."""
        self.finish()

    def _on_document(self) -> None:
        state = self._context.state
        document = state.document
        if self._stroke is not None and (document is None or document.path != self._stroke.path):
            self.finish()
        edits = document.result.edits if document is not None and document.result is not None else None
        state.editing = replace(state.editing, corrected_px=edits.forced_pixels if edits is not None else 0)
