"""Corrections by hand over a new result: the same pixels, decided in the same way."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.masks.edits import MaskEdits
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore

if TYPE_CHECKING:
    from core.segmentation import Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """A new result with the corrections of the photograph.

    ``result`` : None where they were made on other pixels than it. ``found`` : the new result alone. ``kept_in`` : what
    held the corrections (``ResultStore.corrected``); it is another one after a change. ``corrected_px`` : how many
    pixels are corrected. ``outside`` : some were outside the new field of view, and are dropped.
    """

    result: Result | None
    found: Result
    kept_in: object | None = None
    corrected_px: int = 0
    outside: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Former:
    """What a model had found before, as it is kept for Undo."""

    segmentation: "Segmentation"
    model_path: Path


def carry_former(path: Path, former: Former, store: ResultStore) -> Carried:
    """Make a result of what a model had found before, with the corrections of now."""
    return carry(path, Result.of(former.segmentation, former.model_path), store)


def carry(path: Path, found: Result, store: ResultStore) -> Carried:
    """Lay what a hand has corrected in a photograph over a new result: half a second for 24 megapixels."""
    kept_in, kept = store.corrected(path), store.edits(path)
    if kept_in is None or kept is None:
        return Carried(found, found)
    segmentation = found.segmentation
    if kept.sha256 != segmentation.image.sha256 or kept.shape != segmentation.image.shape:
        return Carried(None, found, kept_in)
    edits = MaskEdits(segmentation.probability.levels)
    edits.take_packed(kept.codes)
    inside = segmentation.fov.inside
    outside = bool((edits.codes * ~inside).any())
    if outside:
        edits.replace((0, 0, *edits.shape), edits.codes * inside)
    return Carried(Result.of(segmentation, found.model_path, edits), found, kept_in, edits.forced_pixels, outside)
