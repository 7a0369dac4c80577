"""``serr.measure``."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from core.api.arguments import (
    Fov,
    Threshold,
    as_found,
    as_fov_alone,
    as_rule,
    described,
    refuse_wrong_threshold,
)
from core.errors import ArgumentError
from core.measures.calibres import OpticDisc
from core.measures.marks import MarkKind
from core.measures.summary import PixelSize, VesselMeasures, measure_vessels
from core.measuring import MeasureOptions, measure_segmentation
from core.segmentation import Segmentation
from core.types import ProbabilityMap

__all__ = ["OpticDisc", "PixelSize", "VesselMeasures", "measure"]

_Kind = TypeVar("_Kind")


def measure(
    found: object,
    *,
    fov: Fov | None = None,
    threshold: Threshold = None,
    disc: OpticDisc | Literal["auto"] | None = None,
    kinds: Mapping[int, MarkKind] | None = None,
    pixel: PixelSize | None = None,
    error_bars: bool = True,
    despite_doubts: bool = False,
) -> VesselMeasures:
    """Measure vessels: widths, lengths, tortuosity, fractal dimension, branching and calibres.

    Parameters
    ----------
    found : a Segmentation; a probability map, float (H, W) in [0, 1]; or a mask of two values, (H, W).
    fov : the field of view, where ``found`` is not a Segmentation: a mask as a path or an array bool (H, W), a
        FieldOfView, or "full".
    threshold : at which the vessels of a probability map end.
    disc : the optic disc, ``serr.OpticDisc(row, column, radius_px)``, for zones and calibres; "auto" looks for it in
        the photograph of a Segmentation, and ``.doubts`` says what is doubtful.
    kinds : "arteriole" or "venule" by the number of a segment, for calibres.
    pixel : ``serr.PixelSize(um, source)``, for lengths in micrometres; in pixels without it.
    error_bars : also measure at the threshold plus and minus 0.1.
    despite_doubts : also give numbers where a doubt about the photograph (``found.doubts``, ``fov.doubts``) makes them
        meaningless; without it the note of such a measure has the doubt.

    Returns
    -------
    The measures; ``.as_dict()`` is a row for a table, ``["width/mean/all/fov"]`` one measure with unit and error bar,
    and, of a Segmentation with a corrected mask, with what it would be ``.uncorrected``.

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.
    """
    place: OpticDisc | Literal["auto"] | None = "auto" if disc == "auto" else _of_kind(disc, OpticDisc, "disc")
    options = MeasureOptions(place, _of_kind(pixel, PixelSize, "pixel"), error_bars, despite_doubts=despite_doubts)
    if isinstance(found, Segmentation):
        if fov is not None or threshold is not None:
            raise ArgumentError("A Segmentation has its own field of view and threshold: leave out fov and threshold.")
        return measure_segmentation(found, options, kinds=kinds)
    if place == "auto":
        raise ArgumentError('disc="auto" looks at the photograph: give a Segmentation as found, or the disc.')
    given = as_found(found)
    if fov is None:
        raise ArgumentError('fov is missing: give its mask (a path or an array), or "full" for the whole picture.')
    field = as_fov_alone(fov, given.shape)
    rule = as_rule(threshold)
    refuse_wrong_threshold(given, rule)
    return measure_vessels(
        given.values if isinstance(given, ProbabilityMap) else given,
        field.inside,
        rule.threshold if rule is not None else 0.5,
        disc=place,
        kinds=kinds,
        pixel=options.pixel,
        doubts=() if despite_doubts else field.doubts,
        error_bars=error_bars,
    )


def _of_kind(value: _Kind | None, kind: type[_Kind], name: str) -> _Kind | None:
    if value is not None and not isinstance(value, kind):
        raise ArgumentError(f"{name} must be a serr.{kind.__name__}, not {described(value)}.")
    return value
