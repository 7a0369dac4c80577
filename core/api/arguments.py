"""Arguments of many kinds, turned into the boxes of ``core.types``: paths, arrays, and the boxes themselves.

Every argument that cannot be used raises ``ArgumentError`` (or the reader's own ``SerrError``) with a sentence that
names the argument, what it is, and what it should be.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.errors import ArgumentError, LabelError
from core.models.model_card import ModelCard
from core.photo.label_values import LabelValues, apply_values, find_values
from core.photo.reading import MIN_SIDE_PX, read_fundus, read_label
from core.photo.sibling_files import resolve_fov
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage, ProbabilityMap, VesselMask

PathLike = str | os.PathLike[str]
Photo = PathLike | FundusImage | npt.NDArray[np.uint8]
Fov = Literal["auto", "full"] | PathLike | FieldOfView | BoolArray
Threshold = float | ThresholdRule | None
Values = str | int | Iterable[str | int]
"""Values of a label, as ``LabelValues.parse`` reads them, as a number, or as several of these."""

_SEVERAL = "Say with vessel_values which of its values are vessel, or compare it with a threshold first."


def as_path(value: object, name: str) -> Path:
    """A path from text or a path object."""
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if isinstance(text, str) and text and "\0" not in text:
            return Path(text).expanduser()
    raise ArgumentError(f"{name} must be a path, not {described(value)}.")


def as_photo(photo: Photo) -> FundusImage:
    """A photograph from a file, an array uint8 (H, W, 3) in the order red, green, blue, or a box."""
    if isinstance(photo, FundusImage):
        return photo
    if isinstance(photo, str | os.PathLike):
        return read_fundus(as_path(photo, "photo"))
    array = _as_array(photo, "photo", "a path, an array uint8 (H, W, 3) or a FundusImage")
    if array.dtype != np.uint8:
        raise ArgumentError(
            f"photo is an array of {array.dtype}, but an array must hold uint8 from 0 to 255: scale and convert it, or "
            "give the path of the file."
        )
    if array.ndim != 3 or array.shape[2] != 3:
        hint = " Leave out the fourth channel (photo[:, :, :3])." if array.ndim == 3 and array.shape[2] == 4 else ""
        hint = " Repeat a grey one three times (numpy.dstack([grey] * 3))." if array.ndim == 2 else hint
        raise ArgumentError(f"photo has the shape {array.shape}, but must be (height, width, 3).{hint}")
    if min(array.shape[:2]) < MIN_SIDE_PX:
        raise ArgumentError(
            f"photo has {array.shape[1]} x {array.shape[0]} pixels, but each side needs at least {MIN_SIDE_PX}."
        )
    if (array == array[0, 0]).all():
        raise ArgumentError("photo shows nothing: all its pixels have the same value.")
    return FundusImage(array)


def as_fov(fov: Fov, image: FundusImage) -> FieldOfView:
    """A field of view: found in the photograph, the whole of it, from a file or folder of masks, an array, or a box."""
    if isinstance(fov, FieldOfView):
        return _same_shape(fov, image.shape, "fov")
    if isinstance(fov, str) and fov in {"auto", "full"}:
        return resolve_fov("auto" if fov == "auto" else "full", image.source, image)
    if isinstance(fov, str | os.PathLike):
        return resolve_fov(as_path(fov, "fov"), image.source, image)
    inside = _as_mask(fov, "fov", '"auto", "full", a path, an array bool (H, W) or a FieldOfView')
    if not inside.any():
        raise ArgumentError("fov is False everywhere: no pixel is inside it.")
    return _same_shape(FieldOfView(inside, "file"), image.shape, "fov")


def as_rule(threshold: Threshold) -> ThresholdRule | None:
    """A threshold as the nearest multiple of 1/256; None stays None (the model's own)."""
    if threshold is None or isinstance(threshold, ThresholdRule):
        return threshold
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.floating):
        raise ArgumentError(f"threshold must be a number between 0 and 1, not {described(threshold)}.")
    try:
        return ThresholdRule.nearest(float(threshold))
    except ValueError:
        raise ArgumentError(f"threshold must be a number between 0 and 1, not {threshold}.") from None


def as_refined_rule(
    threshold: Threshold, draw_like: str | None, low: float | None, min_pixels: int, card: ModelCard
) -> ThresholdRule | None:
    """A threshold or a drawing style, with hysteresis and a smallest vessel; None for the rule of the model's card."""
    rule = _style_rule(draw_like, threshold, card) or as_rule(threshold)
    if low is None and isinstance(min_pixels, int) and not min_pixels:
        return rule
    if low is not None and (isinstance(low, bool) or not isinstance(low, int | float | np.floating)):
        raise ArgumentError(f"low must be a number between 0 and the threshold, not {described(low)}.")
    if isinstance(min_pixels, bool) or not isinstance(min_pixels, int | np.integer) or min_pixels < 0:
        raise ArgumentError(f"min_pixels must be a number of pixels, 0 or more, not {described(min_pixels)}.")
    rule = rule or card.rule
    try:
        return rule.refined(None if low is None else float(low), int(min_pixels))
    except ValueError:
        raise ArgumentError(
            f"low must be a number between 0 and the threshold {rule.threshold:g}, not {low}."
        ) from None


def _style_rule(draw_like: object, threshold: Threshold, card: ModelCard) -> ThresholdRule | None:
    if draw_like is None:
        return None
    if not isinstance(draw_like, str):
        raise ArgumentError(
            f'draw_like must be the name of a drawing style, such as "DRIVE", not {described(draw_like)}.'
        )
    if threshold is not None:
        raise ArgumentError("draw_like chooses a threshold: leave out threshold, or draw_like.")
    return card.style_rule(draw_like)


def as_label(label: object, shape: tuple[int, int], values: LabelValues | None = None) -> ExpertLabel:
    """Vessels as an expert drew them, (H, W), from a file, an array, or a box.

    Without ``values``, which say what a file or an array uint8 (H, W) or (H, W, 3) holds, an array has two values.
    """
    if isinstance(label, str | os.PathLike):
        return read_label(as_path(label, "label"), shape=shape, values=values)
    if isinstance(label, ExpertLabel | VesselMask):
        if values is not None:
            raise ArgumentError(
                "vessel_values is for a label that is a path or an array, but this one is read already: leave it out."
            )
        read = label if isinstance(label, ExpertLabel) else ExpertLabel(label.vessel)
    elif values is not None:
        read = _label_by_values(label, values)
    else:
        read = ExpertLabel(_as_mask(label, "label", "a path, an array bool (H, W) or an ExpertLabel", _SEVERAL))
    if read.shape != shape:
        raise ArgumentError(f"label has the shape {read.shape}, but what is scored has {shape}.")
    return read


def as_values(vessel: Values | None, ignored: Values | None) -> LabelValues | None:
    """What the values of a label mean: "1,2", "#ff0000,#0000ff", a whole number, or several of these in a sequence."""
    if vessel is None:
        if ignored is not None:
            raise ArgumentError("ignore_values needs vessel_values: which values are vessel?")
        return None
    texts = _values_text(vessel, "vessel_values"), "" if ignored is None else _values_text(ignored, "ignore_values")
    try:
        return LabelValues.parse(*texts)
    except LabelError as error:
        raise ArgumentError(f"vessel_values: {error}") from None


def _values_text(values: object, name: str) -> str:
    if isinstance(values, str):
        return values
    each = list(values) if isinstance(values, Iterable) and not isinstance(values, dict | bytes) else [values]
    wrong = [one for one in each if isinstance(one, bool) or not isinstance(one, str | int | np.integer)]
    if wrong:
        raise ArgumentError(
            f'{name} must be text such as "1,2" or "#ff0000", a whole number or several of these, not '
            f"{described(wrong[0])}."
        )
    return ",".join(str(one) for one in each)


def _label_by_values(label: object, values: LabelValues) -> ExpertLabel:
    array = _as_array(label, "label", "a path or an array uint8 (H, W) or (H, W, 3)")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ArgumentError(f"label has the shape {array.shape}, but must be (height, width) or (height, width, 3).")
    pixels = array.astype(np.uint8)
    if not np.array_equal(pixels, array):
        raise ArgumentError("label must hold whole numbers from 0 to 255 where vessel_values say what they mean.")
    try:
        vessel, open_pixels = apply_values(pixels, values, find_values(pixels))
    except LabelError as error:
        raise ArgumentError(f"label {error}") from None
    return ExpertLabel(vessel, ignored=open_pixels)


def as_found(found: object) -> ProbabilityMap | BoolArray:
    """A map float (H, W) in [0, 1] or a mask of two values (H, W), as what is to be scored."""
    if isinstance(found, ProbabilityMap):
        return found
    if isinstance(found, VesselMask):
        return found.vessel
    array = _as_array(found, "found", "a Segmentation, a probability map float (H, W) or a mask bool (H, W)")
    if array.ndim == 2 and array.dtype.kind == "f" and array.size and not _is_two_valued(array):
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):  # also catches NaN
            raise ArgumentError(f"found holds values from {low:g} to {high:g}: probabilities lie between 0 and 1.")
        return ProbabilityMap(np.array(array, np.float32))
    return _as_mask(array, "found", "a probability map float (H, W) or a mask bool (H, W)")


def refuse_wrong_threshold(found: ProbabilityMap | BoolArray, rule: ThresholdRule | None) -> None:
    """A probability map needs a threshold, and a mask has none. Raises ArgumentError."""
    if isinstance(found, ProbabilityMap) and rule is None:
        raise ArgumentError("threshold is missing: at which probability does a vessel begin? For example 0.5.")
    if not isinstance(found, ProbabilityMap) and rule is not None:
        raise ArgumentError("threshold is for a probability map, but found is a mask already: leave it out.")


def as_fov_alone(fov: Fov, shape: tuple[int, ...]) -> FieldOfView:
    """A field of view for a map or a mask without a photograph: it can be given, not found."""
    if isinstance(fov, str) and fov == "auto":
        raise ArgumentError('fov="auto" needs the photograph: give a mask, or a Segmentation as found.')
    return as_fov(fov, FundusImage(np.zeros((*shape[:2], 3), np.uint8)))


def described(value: object) -> str:
    """A value as it can be named in a sentence, whatever it is."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with the shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"an object of the type {type(value).__name__}"


def _as_array(value: object, name: str, wanted: str) -> npt.NDArray[Any]:
    if value is None or isinstance(value, str | bytes | bool | int | float | dict | set):
        raise ArgumentError(f"{name} must be {wanted}, not {described(value)}.")
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001 - whatever an object does when it is asked for its array
        raise ArgumentError(f"{name} must be {wanted}, not {described(value)} ({error}).") from None
    if array.dtype.kind not in "buif" or not array.ndim:
        raise ArgumentError(f"{name} must be {wanted}, not {described(value)}.")
    return array


def _as_mask(value: object, name: str, wanted: str, cure: str = "Compare it with a threshold first.") -> BoolArray:
    """Bool (H, W): from bool, or from 0 and one other value."""
    array = _as_array(value, name, wanted)
    if array.ndim != 2 or not array.size:
        raise ArgumentError(f"{name} has the shape {array.shape}, but must be (height, width).")
    if array.dtype.kind == "b":
        return np.array(array, np.bool_)
    if not _is_two_valued(array):
        raise ArgumentError(
            f"{name} is an array of {array.dtype} with values from {array.min()} to {array.max()}: a mask holds 0 and "
            f"one other value. {cure}"
        )
    return np.asarray(array > 0)


def _is_two_valued(array: npt.NDArray[Any]) -> bool:
    """Whether all values are 0 or one positive number."""
    high = array.max()
    return bool(((array == 0) | (array == high)).all() and high >= 0)


def _same_shape(fov: FieldOfView, shape: tuple[int, int], name: str) -> FieldOfView:
    if fov.shape != shape:
        raise ArgumentError(f"{name} has the shape {fov.shape}, but the photograph has {shape}.")
    return fov
