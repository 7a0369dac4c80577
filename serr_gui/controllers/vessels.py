"""Tools that know what a vessel is: what they ask of the map is looked for in a thread."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.masks.edits import VESSEL
from core.masks.tracing import Search
from core.progress import Progress
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.editing import EditingController
from serr_gui.controllers.workers import Failure
from serr_gui.model.selectors import can_edit
from serr_gui.tasks import vessels as vessel_work

if TYPE_CHECKING:
    from core.masks.branches import Gap


class VesselController(QObject):
    """``searched`` carries the ``Search`` that was asked for last.

    ``partFound`` carries the kind, the pixel (row, column), and the ``Footprint`` of the part there or None.
    """

    searched = Signal(object)
    partFound = Signal(str, object, object)

    def __init__(self, context: ControllerContext, editing: EditingController) -> None:
        super().__init__(context)
        self._context, self._editing = context, editing
        self._gaps_of: object = None
        context.state.events.document.connect(self._on_document)

    def search(self, row: int, column: int, snap_px: int, window_px: int) -> None:
        """Look for the cheapest ways from a pixel of the photograph on the screen."""
        result = self._context.state.result
        if result is None or not can_edit(self._context.state):
            return
        height, width = result.segmentation.probability.shape
        pixel = (min(max(row, 0), height - 1), min(max(column, 0), width - 1))
        self._context.workers.start(
            "trace",
            partial(
                vessel_work.search,
                result,
                pixel,
                snap_px=snap_px,
                window_px=window_px,
                edge=self._context.state.rule.threshold,
            ),
            succeeded=self._on_searched,
            failed=partial(self._context.fail, self.tr("The way along the vessel could not be found.")),
        )

    def _on_searched(self, outcome: Search) -> None:
        self.searched.emit(outcome)

    def look(self, kind: str, row: int, column: int) -> None:
        """Find the branch, the connected vessel or the enclosed region that a pixel of the photograph belongs to."""
        state = self._context.state
        result, pixel = state.result, (row, column)
        if result is None or not can_edit(state):
            return
        height, width = result.segmentation.probability.shape
        if not (0 <= row < height and 0 <= column < width):
            self._context.workers.cancel("part")
            self.partFound.emit(kind, pixel, None)
            return
        self._context.workers.start(
            "part",
            partial(vessel_work.find_part, result, state.rule, kind, pixel),
            succeeded=lambda part: self.partFound.emit(kind, pixel, part),
            failed=partial(self._context.fail, self.tr("What is under the pointer could not be found.")),
            in_turn=True,
        )

    # Gaps that are proposed to be bridged

    def find_gaps(self) -> None:
        """Look for gaps between vessels; they are shown one after the other."""
        state = self._context.state
        result = state.result
        if result is None or not can_edit(state):
            return
        self._gaps_of = result.segmentation
        state.editing = replace(state.editing, tool="bridge", gaps=(), gap_at=0, looks_for_gaps=True, gaps_percent=0)
        self._context.workers.start(
            "gaps",
            partial(vessel_work.find_gaps, result, state.rule),
            succeeded=self._on_gaps,
            failed=self._on_no_gaps,
            progressed=self._on_gaps_progress,
        )

    def take_gap(self) -> None:
        """Bridge the gap that is shown, and go to the next one."""
        editing = self._context.state.editing
        if editing.gap is not None:
            part = editing.gap.trace.footprint(editing.width_percent / 100.0)
            self._editing.apply(self.tr("Bridge"), part, VESSEL)
            self.skip_gap()

    def skip_gap(self) -> None:
        """Leave the gap that is shown, and go to the next one."""
        state = self._context.state
        editing = state.editing
        if editing.gap is None:
            return
        if editing.gap_at + 1 < len(editing.gaps):
            state.editing = replace(editing, gap_at=editing.gap_at + 1)
        else:
            state.editing = replace(editing, gaps=(), gap_at=0)
            self._context.notify("info", self.tr("That was the last gap."), until="photo")

    def _on_gaps_progress(self, progress: Progress) -> None:
        state, share = self._context.state, progress.fraction
        percent = round(100 * share) if share is not None else 0
        if percent != state.editing.gaps_percent:
            state.editing = replace(state.editing, gaps_percent=percent)

    def _on_gaps(self, outcome: tuple["Gap", ...]) -> None:
        state = self._context.state
        state.editing = replace(state.editing, gaps=outcome, gap_at=0, looks_for_gaps=False)
        if not outcome:
            self._context.notify("info", self.tr("No gap was found that a vessel probably bridges."), until="photo")

    def _on_no_gaps(self, failure: Failure) -> None:
        state = self._context.state
        state.editing = replace(state.editing, looks_for_gaps=False)
        self._context.fail(self.tr("The search for gaps failed."), failure)

    def _on_document(self) -> None:
        """Another photograph, or another run: the gaps are not its own."""
        state = self._context.state
        if self._gaps_of is not None and (state.result is None or state.result.segmentation is not self._gaps_of):
            self._gaps_of = None
            self._context.workers.cancel("gaps")
            state.editing = replace(state.editing, gaps=(), gap_at=0, looks_for_gaps=False)
