"""Drawing along vessels: clicks on a vessel, and the way between them follows it at its own width.

A click asks for a search of the cheapest ways from there, which a thread makes; with it, each move of the mouse is a
walk back of a few milliseconds. Clicks that come before the search wait for it.
"""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainter

from core.masks.edits import VESSEL
from core.masks.strokes import Footprint, Point, union
from core.masks.tracing import WINDOW_PX, Search, Trace
from serr_gui.canvas.tools import Pointer, Tool, View
from serr_gui.canvas.tools.preview import Preview, paint_knots, paint_line

_SNAP_SCREEN_PX = 8.0
_SNAP_PX = (1, 20)
"""How far from the pointer a vessel is looked for: on the screen, and in photograph pixels at least and at most."""
_LARGEST_WINDOW_PX = 2048


class TraceTool(Tool):
    """``searchRequested`` carries row, column, snap_px and window_px of ``search_from``; ``take_search`` its answer.

    ``accepted`` carries the pixels. ``factor`` multiplies the width. ``one_piece``: the second click accepts.
    """

    searchRequested = Signal(int, int, int, int)
    accepted = Signal(object)

    def __init__(self, parent: QObject | None = None, *, one_piece: bool = False) -> None:
        super().__init__(parent)
        self._one_piece = one_piece
        self._factor = 1.0
        self.zoom = 1.0
        self._begin()

    def _begin(self) -> None:
        self._start: tuple[int, int] | None = None
        self._search: Search | None = None
        self._wanted_px = 0
        self._traces: list[Trace] = []
        self._done: list[Preview] = []
        self._queue: list[Point | None] = []
        self._live: Trace | None = None
        self._live_preview: Preview | None = None
        self._pointer: Point | None = None

    @property
    def factor(self) -> float:
        return self._factor

    @factor.setter
    def factor(self, factor: float) -> None:
        if factor != self._factor:
            self._factor = factor
            self._done = [self._shown(trace) for trace in self._traces]
            self._follow()

    @property
    def has_begun(self) -> bool:
        """Whether there is a first click."""
        return self._start is not None

    @property
    def is_ready(self) -> bool:
        """Whether the search from the last click is there."""
        return self._search is not None and not self._queue

    @property
    def pieces(self) -> int:
        """How many ways between clicks there are."""
        return len(self._traces)

    @property
    def live_footprint(self) -> Footprint | None:
        """The way to the pointer as pixels."""
        return self._live_preview.footprint if self._live_preview is not None else None

    # The hand

    def press(self, pointer: Pointer) -> None:
        if pointer.erases:
            self._take_back()
            return
        self._pointer = pointer.at
        if self._start is None:
            self._start = pointer.pixel
            self._ask(self._start, self._snap_px(), WINDOW_PX)
        elif self._search is None or not self._search.reaches(*pointer.pixel):
            self._queue.append(pointer.at)
            self._widen(pointer.pixel)
        else:
            self._add(pointer.at)
        self.looksChanged.emit()

    def move(self, pointer: Pointer) -> None:
        self._pointer = pointer.at
        self._follow()

    def double_click(self, pointer: Pointer) -> None:
        """Accept: the first press has set the last point."""
        if not pointer.erases:
            self._accept()

    def key(self, key: Qt.Key) -> bool:
        if not self.has_begun:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._accept()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._take_back()
        else:
            return False
        return True

    def finish(self) -> None:
        """Nothing that was clicked is lost when another tool is taken."""
        self._queue.clear()
        self._accept()

    def cancel(self) -> bool:
        begun = self.has_begun
        self._begin()
        self.looksChanged.emit()
        return begun

    def reset(self) -> None:
        self._begin()

    # The search

    def take_search(self, search: Search) -> None:
        """The answer to ``searchRequested``."""
        if self._start is None:
            return
        self._search, self._start = search, search.start
        while self._queue and self._search is not None:
            place = self._queue[0]
            if place is None:
                self._queue.clear()
                self._accept()
                return
            pixel = (int(place[1]), int(place[0]))
            if not search.reaches(*pixel) and self._widen(pixel):
                break
            self._queue.pop(0)
            self._add(place)
        self._follow()
        self.looksChanged.emit()

    def _ask(self, pixel: tuple[int, int], snap_px: int, window_px: int) -> None:
        self._wanted_px = window_px
        self.searchRequested.emit(*pixel, snap_px, window_px)

    def _widen(self, pixel: tuple[int, int]) -> bool:
        """Ask for a search that reaches a pixel; False where one of the largest size is there."""
        if self._start is None or self._wanted_px >= _LARGEST_WINDOW_PX:
            return False
        away = max(abs(pixel[0] - self._start[0]), abs(pixel[1] - self._start[1]))
        window_px = self._wanted_px
        while window_px < _LARGEST_WINDOW_PX and window_px // 2 <= away:
            window_px *= 2
        if window_px > self._wanted_px:
            self._ask(self._start, 0, window_px)
        return True

    def _snap_px(self) -> int:
        return min(max(round(_SNAP_SCREEN_PX / self.zoom), _SNAP_PX[0]), _SNAP_PX[1])

    def _walk(self, place: Point) -> Trace | None:
        if self._search is None:
            return None
        pixel = self._search.nearest(int(place[1]), int(place[0]))
        return self._search.walk_to(*self._search.snapped(*pixel, self._snap_px()))

    def _add(self, place: Point) -> None:
        trace = self._walk(place)
        if trace is None or len(trace.points) < 2:
            return
        self._traces.append(trace)
        self._done.append(self._shown(trace))
        if self._one_piece:
            self._accept()
            return
        x, y = trace.points[-1]
        self._restart((int(y), int(x)))

    def _restart(self, pixel: tuple[int, int]) -> None:
        self._start, self._search, self._live, self._live_preview = pixel, None, None, None
        self._ask(pixel, 0, WINDOW_PX)

    def _take_back(self) -> None:
        """The last segment goes, and the way begins where it began; without one, the first click goes."""
        if self._queue:
            self._queue.pop()
        elif self._traces:
            x, y = self._traces.pop().points[0]
            self._done.pop()
            self._restart((int(y), int(x)))
        else:
            self._begin()
        self.looksChanged.emit()

    def _accept(self) -> None:
        if self._queue:
            self._queue.append(None)
            return
        parts: list[Footprint] = [preview.footprint for preview in self._done]
        self._begin()
        if parts:
            self.accepted.emit(union(parts))
        self.looksChanged.emit()

    # What is seen

    def _follow(self) -> None:
        """The way to the pointer."""
        if self._start is None or self._pointer is None or self._search is None:
            return
        pixel = (int(self._pointer[1]), int(self._pointer[0]))
        if not self._search.reaches(*pixel):
            self._widen(pixel)
        self._live = self._walk(self._pointer)
        self._live_preview = self._shown(self._live) if self._live is not None else None
        self.looksChanged.emit()

    def _shown(self, trace: Trace) -> Preview:
        return Preview(trace.footprint(self._factor), VESSEL)

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        self.zoom = view.zoom
        for preview in (*self._done, *((self._live_preview,) if self._live_preview is not None else ())):
            preview.paint(painter, view)
        for trace in (*self._traces, *((self._live,) if self._live is not None else ())):
            paint_line(painter, view, list(trace.points))
        if self._start is not None:
            if self._search is None and at is not None:  # the search is under way
                paint_line(painter, view, [_centre(self._start), at], dashed=True)
            knots = [trace.points[0] for trace in self._traces]
            paint_knots(painter, view, [*knots, _centre(self._start)])

    def reach_px(self) -> float:
        return float("inf") if self.has_begun else 0.0


def _centre(pixel: tuple[int, int]) -> Point:
    return pixel[1] + 0.5, pixel[0] + 0.5
