"""Corrections by hand, as levels laid over those of the network.

A pixel that a hand has decided is forced to vessel (level 255) or to background (level 0). Since 255 >= k always and
0 >= k never for the thresholds k = 1 to 255, ``levels >= k`` stays the only rule there is: slider, histograms, error
map, export and evaluation read the edited levels as they read the network's, and a forced pixel keeps its value at
every threshold. Areas under curves come from the network's own float values, which edits never touch.
"""

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.masks.threshold import ruled_levels
from core.threshold_rule import LEVELS, ThresholdRule
from core.types import BoolArray, ByteArray, VesselMask

UNTOUCHED: Final = 0
BACKGROUND: Final = 1
VESSEL: Final = 2
FORCED_LEVELS: Final = {BACKGROUND: 0, VESSEL: LEVELS - 1}

Box = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels; bottom and right exclusive."""


@dataclass(frozen=True, slots=True, eq=False)
class EditDelta:
    """One change of the codes inside a box: what was there before and what is there after, deflated.

    ``pixels`` counts those whose code changes.
    """

    box: Box
    before: bytes
    after: bytes
    pixels: int

    @property
    def n_bytes(self) -> int:
        """What it takes in memory, for a bounded history."""
        return len(self.before) + len(self.after)


class MaskEdits:
    """Which pixels a hand has decided, with the levels that follow.

    Not thread-safe, and changed in place: copying 24 million pixels for each step of a brush would be felt. ``levels``
    and ``codes`` are views for reading, the same objects at each call; each change returns the box that is to be drawn
    and counted again. Who hands the levels to another thread hands it a copy.

    Parameters
    ----------
    model_levels : uint8 (H, W), those of the network (``ProbabilityMap.levels``); never written to.
    """

    def __init__(self, model_levels: ByteArray) -> None:
        self._model_levels = model_levels
        self._codes: ByteArray = np.zeros(model_levels.shape, np.uint8)
        self._levels: ByteArray = model_levels.copy()
        self._levels_view, self._codes_view = _read_only(self._levels), _read_only(self._codes)
        self._forced = 0
        self._packed: bytes | None = None  # where they are known

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._codes.shape[0], self._codes.shape[1]

    @property
    def levels(self) -> ByteArray:
        """The edited levels, uint8 (H, W), read-only."""
        return self._levels_view

    @property
    def codes(self) -> ByteArray:
        """``UNTOUCHED``, ``BACKGROUND`` or ``VESSEL`` for each pixel, uint8 (H, W), read-only."""
        return self._codes_view

    @property
    def forced_pixels(self) -> int:
        """How many pixels a hand has decided."""
        return self._forced

    def __bool__(self) -> bool:
        return self._forced > 0

    def mask(self, rule: ThresholdRule) -> VesselMask:
        """What the rule makes of the network's map, with what a hand has decided in its place."""
        levels = self._levels
        if not rule.is_plain:
            levels = edited_levels(ruled_levels(self._model_levels, rule), self._codes)
        vessel = levels >= rule.level
        vessel.setflags(write=False)
        return VesselMask(vessel, rule, edited=bool(self))

    def paint(self, top: int, left: int, touched: BoolArray, code: int) -> EditDelta | None:
        """Give pixels a code.

        Parameters
        ----------
        top, left : where the upper left corner of ``touched`` lies; may be outside the photograph.
        touched : bool (h, w), the pixels to change.
        code : ``VESSEL``, ``BACKGROUND``, or ``UNTOUCHED`` to give them back to the network.

        Returns
        -------
        The change, or None where every pixel had this code already.
        """
        height, width = self.shape
        rows = slice(max(0, -top), max(0, min(touched.shape[0], height - top)))
        columns = slice(max(0, -left), max(0, min(touched.shape[1], width - left)))
        inner = touched[rows, columns]
        if not inner.size:
            return None
        box = (top + rows.start, left + columns.start, top + rows.stop, left + columns.stop)
        codes = np.where(inner, np.uint8(code), self._codes[box[0] : box[2], box[1] : box[3]])
        return self.replace(box, codes)

    def replace(self, box: Box, codes: ByteArray) -> EditDelta | None:
        """Put other codes into a box; the change over the smallest box that holds it, None where nothing changes."""
        delta = difference(self._codes[box[0] : box[2], box[1] : box[3]], codes, (box[0], box[1]))
        if delta is not None:
            top, left, bottom, right = delta.box
            self._put(delta.box, codes[top - box[0] : bottom - box[0], left - box[1] : right - box[1]])
        return delta

    def redo(self, delta: EditDelta) -> Box:
        """Make a change that was taken back again; the box that is to be drawn again."""
        self._put(delta.box, _unpacked(delta.after, delta.box))
        return delta.box

    def undo(self, delta: EditDelta) -> Box:
        """Take a change back; the box that is to be drawn again."""
        self._put(delta.box, _unpacked(delta.before, delta.box))
        return delta.box

    def packed(self) -> bytes:
        """All codes, deflated: a few thousand bytes for a result that waits outside the memory."""
        return _packed(self._codes) if self._packed is None else self._packed

    def take_packed(self, data: bytes) -> None:
        """Put the codes of ``packed`` into a map of the same shape."""
        box = (0, 0, *self.shape)
        self._put(box, _unpacked(data, box))
        self._packed = data

    def on_model_levels(self, model_levels: ByteArray) -> "MaskEdits":
        """The same corrections over the levels of another run of a network on the same photograph.

        They are those of one moment, also where another thread changes these meanwhile.
        """
        if model_levels.shape != self.shape:
            raise ValueError(f"the edits are for {self.shape}, the levels for {model_levels.shape}")
        other, codes = MaskEdits(model_levels), self._codes.copy()
        known = self._packed  # after the copy: a change forgets it
        other._put((0, 0, *self.shape), codes)  # and not replace: nobody takes this back
        other._packed = _packed(codes) if known is None else known  # a journal asks for them next
        return other

    def _put(self, box: Box, codes: ByteArray) -> None:
        place = (slice(box[0], box[2]), slice(box[1], box[3]))
        self._packed = None
        self._forced += int(np.count_nonzero(codes)) - int(np.count_nonzero(self._codes[place]))
        self._codes[place] = codes
        self._levels[place] = edited_levels(self._model_levels[place], codes)


def difference(before: ByteArray, after: ByteArray, corner: tuple[int, int] = (0, 0)) -> EditDelta | None:
    """The change between codes, uint8 (h, w), over the smallest box that holds it; None where there is none.

    ``corner`` : row and column at which both lie in the photograph.
    """
    changed = after != before
    if not changed.any():
        return None
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    top, left, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    box = (corner[0] + top, corner[1] + left, corner[0] + bottom, corner[1] + right)
    inner = (slice(top, bottom), slice(left, right))
    return EditDelta(box, _packed(before[inner]), _packed(after[inner]), int(np.count_nonzero(changed)))


def with_delta(codes: ByteArray, delta: EditDelta, *, back: bool) -> ByteArray:
    """Codes, uint8 (H, W), after a change is taken back or made again: a copy."""
    changed = codes.copy()
    top, left, bottom, right = delta.box
    changed[top:bottom, left:right] = _unpacked(delta.before if back else delta.after, delta.box)
    return changed


def edited_levels(model_levels: ByteArray, codes: ByteArray) -> ByteArray:
    """The network's levels with forced pixels in their place, uint8 of the same shape: the one rule of edits."""
    levels, touched = model_levels.copy(), codes != UNTOUCHED
    levels[touched] = _LEVEL_OF_CODE[codes[touched]]
    return levels


_LEVEL_OF_CODE = np.array([0, FORCED_LEVELS[BACKGROUND], FORCED_LEVELS[VESSEL]], np.uint8)


def combined(deltas: list[EditDelta], edits: MaskEdits) -> EditDelta | None:
    """Changes that were made one after the other, as one: a stroke of many steps is one step of undo.

    Parameters
    ----------
    deltas : in their order, all of them made and none taken back. ``edits`` : as they left it.
    """
    if len(deltas) <= 1:
        return deltas[0] if deltas else None
    boxes = np.array([delta.box for delta in deltas])
    box = (int(boxes[:, 0].min()), int(boxes[:, 1].min()), int(boxes[:, 2].max()), int(boxes[:, 3].max()))
    after = edits.codes[box[0] : box[2], box[1] : box[3]]
    before = after.copy()
    for delta in reversed(deltas):
        top, left, bottom, right = delta.box
        before[top - box[0] : bottom - box[0], left - box[1] : right - box[1]] = _unpacked(delta.before, delta.box)
    pixels = int(np.count_nonzero(before != after))
    return EditDelta(box, _packed(before), _packed(after), pixels) if pixels else None


def _packed(codes: ByteArray) -> bytes:
    return zlib.compress(np.ascontiguousarray(codes).tobytes(), level=1)


def _unpacked(data: bytes, box: Box) -> ByteArray:
    height, width = box[2] - box[0], box[3] - box[1]
    return np.frombuffer(zlib.decompress(data, bufsize=height * width), np.uint8).reshape(height, width)


def _read_only(array: ByteArray) -> ByteArray:
    view = array.view()
    view.setflags(write=False)
    return view
