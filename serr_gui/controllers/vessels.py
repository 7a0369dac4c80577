"""Tools that know what a vessel is: what they ask of the map is looked for in a thread."""

from functools import partial

from PySide6.QtCore import QObject, Signal

from core.masks.tracing import Search
from serr_gui.controllers.context import ControllerContext
from serr_gui.model.selectors import can_edit
from serr_gui.tasks import vessels as vessel_work


class VesselController(QObject):
    """``searched`` carries the ``Search`` that was asked for last.

    ``partFound`` carries the kind, the pixel (row, column), and the ``Footprint`` of the part there or None.
    """

    searched = Signal(object)
    partFound = Signal(str, object, object)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context

    def search(self, row: int, column: int, snap_px: int, window_px: int) -> None:
        """Look for the cheapest ways from a pixel of the photograph on the screen."""
        result = self._context.state.result
        if result is None or not can_edit(self._context.state):
            return
        probability = result.segmentation.probability
        height, width = probability.shape
        pixel = (min(max(row, 0), height - 1), min(max(column, 0), width - 1))
        self._context.workers.start(
            "trace",
            partial(vessel_work.search, probability, result.levels, pixel, snap_px=snap_px, window_px=window_px),
            succeeded=self._on_searched,
            failed=partial(self._context.fail, self.tr("The way along the vessel could not be found.")),
        )

    def _on_searched(self, outcome: object) -> None:
        assert isinstance(outcome, Search)
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
        )
