"""What follows from the state: pure functions into frozen snapshots. The view compares and applies the difference."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np

from core.evaluation.error_map import ErrorRegion
from core.masks.edits import UNTOUCHED
from core.measures.calibres import OpticDisc
from core.measures.disc import USUAL_RADIUS
from core.measures.setup import MeasureSetup
from core.photo.circles import circles_of
from core.photo.walking import natural_key
from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView
from serr_gui.canvas.overlays import ErrorStyle, OverlayStyle, Tone
from serr_gui.canvas.prepared import Prepared
from serr_gui.canvas.vessel_marks import VesselClasses, VesselMarks
from serr_gui.canvas.wipe import Wipe
from serr_gui.model.comparison import ErrorLayer
from serr_gui.model.enhancing import EnhancedPhoto
from serr_gui.model.measuring import measured, vessel_classes, vessel_marks
from serr_gui.model.score_selectors import error_layer, error_list
from serr_gui.model.state import AppState, Document, ListOrder, PhotoItem

_CIRCLE_SIDE_PX: Final = 1500
"""Longer side of what a circle is looked for in."""

Stale = Literal["model", "fov", "averaging"]


@dataclass(frozen=True, slots=True, eq=False)
class CanvasPicture:
    """What the canvas shows; the arrays are compared by identity."""

    photo: ByteArray | None
    base: ByteArray | None
    levels: ByteArray | None
    fov: BoolArray | None
    level: int
    style: OverlayStyle
    tone: Tone
    overlay_visible: bool
    fov_visible: bool
    error_layer: ErrorLayer | None
    error_style: ErrorStyle | None
    marked: ErrorRegion | None
    edits: ByteArray | None
    questionable: ByteArray | None
    shows_edits: bool
    shows_questionable: bool
    classes: VesselClasses | None = None
    vessel_marks: VesselMarks | None = None
    wipe: Wipe | None = None
    prepared: Prepared | None = None


def enhanced_photo(state: AppState) -> EnhancedPhoto | None:
    """The enhanced picture of the photograph on the screen by the chosen network, where it was made."""
    document, enhancing = state.document, state.enhancing
    return enhancing.made(document.path, document.image, enhancing.chosen) if document is not None else None


def seen_enhanced(state: AppState) -> EnhancedPhoto | None:
    """The enhanced picture that is seen; None where it was put aside."""
    return enhanced_photo(state) if state.enhancing.shown else None


def canvas_picture(state: AppState) -> CanvasPicture:
    """The picture of a state. A base view that is still being made for another photograph is left out."""
    document, view = state.document, state.view
    style = OverlayStyle(
        show_probability=view.show_probability,
        probability_opacity=view.probability_opacity,
        colormap=view.colormap,
        show_mask=view.show_mask,
        mask_opacity=view.mask_opacity,
        mask_colour=view.mask_colour,
    )
    made, enhanced = state.base_view, seen_enhanced(state)
    base, wipe = None, enhanced.wipe if enhanced is not None else None
    if document and view.base != "colour" and made and made.image is document.image and made.base == view.base:
        base = made.pixels
        wipe = made.wipe if made.enhanced is enhanced else None
    levels = document.result.live_levels if document and document.result else None
    is_watched, item = state.measure_view.watched, state.item
    found = measured(state) if is_watched else None
    setup = item.measuring if item is not None else MeasureSetup()
    drawn = label_alone(state)
    if drawn is not None:
        levels = label_levels(drawn)
        style = replace(style, show_mask=True, show_probability=False)
    return CanvasPicture(
        photo=document.image.rgb if document else None,
        base=base,
        levels=levels,
        fov=document.fov.inside if document and document.fov else None,
        level=state.shown_rule.level if drawn is None else LEVELS // 2,
        style=style,
        tone=Tone(view.brightness, view.contrast, view.gamma),
        overlay_visible=not state.overlay_hidden,
        fov_visible=view.show_fov,
        error_layer=error_layer(state) if view.show_errors else None,
        error_style=ErrorStyle(view.error_opacity, view.error_colours) if view.show_errors else None,
        marked=marked_error(state),
        edits=_live_codes(document),
        questionable=document.questionable if document else None,
        shows_edits=view.show_edits and drawn is None,
        shows_questionable=view.show_questionable and drawn is None,
        classes=vessel_classes(found, state.measure_view.colouring) if drawn is None else None,
        vessel_marks=vessel_marks(found, setup, state.measure_view.vessel) if is_watched else None,
        wipe=wipe,
        prepared=document.prepared if document else None,
    )


def _live_codes(document: Document | None) -> ByteArray | None:
    edits = document.result.edits if document is not None and document.result is not None else None
    return edits.codes if edits is not None else None


def label_alone(state: AppState) -> ExpertLabel | None:
    """The label that is shown in place of the mask; None where that is not wanted, or no label is in use."""
    if not state.view.show_label or state.view.show_errors or state.document is None:
        return None
    return next((slot.label for slot in state.document.labels if slot is not None and slot.label is not None), None)


@lru_cache(maxsize=2)
def label_levels(label: ExpertLabel) -> ByteArray:
    """A label as the levels of a map: uint8 (H, W), 255 where a vessel is drawn, else 0."""
    levels: ByteArray = label.vessel.astype(np.uint8) * np.uint8(255)
    levels.setflags(write=False)
    return levels


def marked_error(state: AppState) -> ErrorRegion | None:
    """The error that a person has stepped to."""
    found = error_list(state)
    return found.regions[state.error_at] if found is not None and 0 <= state.error_at < len(found.regions) else None


def has_label(state: AppState, expert: int) -> bool:
    """Whether a label of this expert (0 or 1) is in use."""
    slot = state.document.labels[expert] if state.document else None
    return slot is not None and slot.label is not None


def stale_reasons(state: AppState) -> frozenset[Stale]:
    """Why the shown result is not what Segment would make now."""
    document = state.document
    if document is None or document.result is None:
        return frozenset()
    reasons: set[Stale] = set()
    if state.model is not None and document.result.model_path != state.model:
        reasons.add("model")
    if document.fov is not None and document.fov is not document.result.segmentation.fov:
        reasons.add("fov")
    if document.result.segmentation.options.tta != state.run.tta:
        reasons.add("averaging")
    return frozenset(reasons)


def outdated(state: AppState, item: PhotoItem) -> frozenset[Stale]:
    """Why the result of a photograph of the list is not what Segment would make now."""
    made = item.made_by
    if item.status != "done" or made is None:
        return frozenset()
    reasons: set[Stale] = set()
    if state.model is not None and made.path != state.model:
        reasons.add("model")
    origins = {"estimated": ("estimated", "full"), "full": ("full",), "file": ("file",), "edited": ("edited",)}
    other_file = item.fov.request == "file" and made.fov_file != item.fov.file
    other_drawn = item.fov.request == "edited" and made.fov_drawn != item.fov.drawn
    looked_for = item.labels is not None  # until then a run takes the mask that it finds, and the line knows of none
    if looked_for and (made.fov_origin not in origins[item.fov.request] or other_file or other_drawn):
        reasons.add("fov")
    if made.tta != state.run.tta:
        reasons.add("averaging")
    return frozenset(reasons)


def made_with(items: Sequence[PhotoItem]) -> tuple[tuple[str, int], ...]:
    """The models that made the results of these photographs, each with how many, the most first."""
    counts = Counter(item.made_by.path for item in items if item.made_by is not None)
    names = {item.made_by.path: item.made_by.model for item in items if item.made_by is not None}
    return tuple((names[path], count) for path, count in counts.most_common())


def without_result(state: AppState) -> tuple[PhotoItem, ...]:
    """The photographs that Segment All would do."""
    return tuple(item for item in state.photos if item.status != "done")


def with_result(state: AppState) -> tuple[PhotoItem, ...]:
    """The photographs that Export All would write."""
    return tuple(item for item in state.photos if item.status == "done")


def may_export(state: AppState) -> bool:
    """Whether files can be written now: also alongside other work, but one export at a time."""
    kinds = {job.kind for job in (state.task, state.side_task) if job is not None}
    return state.side_task is None and "export" not in kinds


def may_evaluate(state: AppState) -> bool:
    """Whether photographs can be measured now: beside Segment All those that are finished."""
    if not state.photos or state.model is None or state.side_task is not None:
        return False
    return state.task is None or (state.task.kind == "batch" and bool(with_result(state)))


def can_edit(state: AppState) -> bool:
    """Whether the mask can be corrected now: it is on the screen, and no work may be reading it."""
    if label_alone(state) is not None:
        return False
    return state.result is not None and state.opening is None and state.task is None and state.side_task is None


def can_paint(state: AppState) -> bool:
    """Whether brush and eraser can paint what is chosen for them."""
    return may_undo(state) if state.editing.target == "fov" else can_edit(state)


def fov_circle(state: AppState) -> tuple[float, float, float] | None:
    """The circle around the field of view: x, y and radius in photograph pixels; one in the picture where none is."""
    document = state.document
    if document is None:
        return None
    height, width = document.image.shape
    return _circle_around(document.fov) if document.fov else (width / 2.0, height / 2.0, min(width, height) / 2.0)


def disc_shown(state: AppState) -> OpticDisc | None:
    """The optic disc that is moved and sized; where none is, a circle of the usual size in the middle."""
    document, item = state.document, state.item
    if document is None or item is None:
        return None
    if item.measuring.disc is not None:
        return item.measuring.disc
    height, width = document.image.shape
    across = document.fov.diameter_px if document.fov is not None else min(width, height)
    return OpticDisc(height / 2.0 - 0.5, width / 2.0 - 0.5, max(across * USUAL_RADIUS, 8.0))


@lru_cache(maxsize=1)
def _circle_around(fov: FieldOfView) -> tuple[float, float, float]:
    """Through most of its outline, so that one that is cut off at the edges of the picture is found, too."""
    step = max(1, max(fov.shape) // _CIRCLE_SIDE_PX)
    small = np.ascontiguousarray(fov.inside[::step, ::step]).view(np.uint8)
    circle = next(iter(circles_of(small)), None)
    if circle is None:
        top, left, bottom, right = fov.box
        return (left + right) / 2.0, (top + bottom) / 2.0, fov.diameter_px / 2.0
    circle = circle.scaled(step)
    return circle.x + 0.5, circle.y + 0.5, circle.radius + step / 2.0


def may_undo(state: AppState) -> bool:
    """Whether steps can be taken back or made again now: no work may be reading what they change."""
    idle = state.opening is None and state.task is None and state.side_task is None
    return state.document is not None and idle and label_alone(state) is None


def correction_at(document: Document | None, x: int, y: int) -> int:
    """What a hand has decided of a pixel, as a code of ``core.masks.edits``."""
    edits = document.result.edits if document is not None and document.result is not None else None
    return int(edits.codes[y, x]) if edits is not None else UNTOUCHED


def unsaved(state: AppState) -> tuple[PhotoItem, ...]:
    """The photographs whose work would be lost."""
    return tuple(item for item in state.photos if item.unsaved)


def probability_at(document: Document | None, x: int, y: int) -> float | None:
    """The vessel probability of a pixel, None without a result or outside its field of view."""
    if document is None or document.result is None:
        return None
    segmentation = document.result.segmentation
    if not segmentation.fov.inside[y, x]:
        return None
    return float(segmentation.probability.values[y, x])


def listed(state: AppState) -> tuple[int, ...]:
    """The lines of the list that the filters let through: each word is in the name or that of the folder."""
    words, wanted = state.list_filter.casefold().split(), _SHOWN[state.list_show]
    lines = (index for index, item in enumerate(state.photos) if wanted(item))
    if not words:
        return tuple(lines)
    return tuple(index for index in lines if all(word in _words_of(state.photos[index]) for word in words))


def is_filtered(state: AppState) -> bool:
    """Whether the list may leave photographs out."""
    return bool(state.list_filter) or state.list_show != "all"


_SHOWN: Final[Mapping[str, Callable[[PhotoItem], bool]]] = {
    "all": lambda _item: True,
    "undone": lambda item: not item.marks.done,
    "done": lambda item: item.marks.done,
    "corrected": lambda item: item.corrected,
    "doubtful": lambda item: item.marks.doubtful,
    "noted": lambda item: bool(item.marks.note),
}


def _words_of(item: PhotoItem) -> str:
    return f"{item.path.parent.name}/{item.path.name}".casefold()


def next_listed(state: AppState, by: int) -> int | None:
    """The line that is ``by`` (1 or -1) further among those that are listed; None at the end."""
    if not is_filtered(state):  # asked for after every change: must not depend on the length of the list
        index = state.current + by
        return index if 0 <= index < len(state.photos) else None
    lines = listed(state)
    beyond = [index for index in lines if index > state.current] if by > 0 else [i for i in lines if i < state.current]
    if not beyond:
        return None
    return beyond[0] if by > 0 else beyond[-1]


def list_names(photos: Sequence[PhotoItem]) -> dict[Path, str]:
    """The name of each photograph in the list; where several have the same name, with the folder that tells them."""
    by_name: dict[str, list[Path]] = {}
    for item in photos:
        by_name.setdefault(item.path.name, []).append(item.path)
    names: dict[Path, str] = {}
    for name, paths in by_name.items():
        for path in paths:
            names[path] = name if len(paths) == 1 else f"{_telling_folder(path, paths)}/{name}"
    return names


def _telling_folder(path: Path, paths: Sequence[Path]) -> str:
    """The innermost folder of a path in which it differs from the others; its parent where none does alone."""
    for number in range(1, len(path.parts)):
        folders = {other.parts[-1 - number] for other in paths if number < len(other.parts)}
        if len(folders) > 1:
            return path.parts[-1 - number]
    return path.parent.name


def sorted_photos(state: AppState, order: ListOrder, opened: Mapping[Path, int]) -> tuple[PhotoItem, ...]:
    """The photographs in another order. ``opened`` counts them as they came.

    "worst" : by F1 of the last evaluation, the lowest first, those without a score last.
    """
    evaluation = state.evaluation
    f1 = {image.photo: image.score_set.scores.f1 for image in evaluation.images} if evaluation is not None else {}

    def place(item: PhotoItem) -> tuple[object, ...]:
        came = opened.get(item.path, len(opened))
        if order == "name":
            return natural_key(item.path.name), came
        if order in ("new", "done"):
            return (item.status == "done") is (order == "new"), came
        if order == "worst":
            value = f1.get(item.path, math.inf)
            return math.inf if math.isnan(value) else value, came
        if order in _SHOWN:  # those that the filter of this name would list come first
            return not _SHOWN[order](item), came
        return (came,)

    return tuple(sorted(state.photos, key=place))
