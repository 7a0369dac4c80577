"""``serr.evaluate``."""

from typing import Literal

import numpy as np

from core.api.arguments import Fov, Threshold, as_found, as_fov, as_label, as_rule, described
from core.errors import ArgumentError
from core.evaluation.counts import Scores
from core.evaluation.measure import GivenMask, measure
from core.segmentation import Segmentation
from core.types import BoolArray, FieldOfView, FundusImage, ProbabilityMap


def evaluate(
    found: object,
    label: object,
    *,
    fov: Fov | None = None,
    threshold: Threshold = None,
    region: Literal["fov", "image"] = "fov",
) -> Scores:
    """Score a result against an expert's label.

    Parameters
    ----------
    found : a Segmentation; a probability map, float (H, W) in [0, 1]; or a mask of two values, (H, W).
    label : the expert's vessels: the path of a picture, an array of two values (H, W), or an ExpertLabel.
    fov : the field of view, where ``found`` is not a Segmentation, which has its own: a mask as a path or an array bool
        (H, W), a FieldOfView, or "full".
    threshold : at which a probability map is scored; for a Segmentation None means its own.
    region : count pixels inside the field of view ("fov", as is usual) or in the whole picture ("image"). A dark border
        that counts as found right makes scores look better: name the region with every score.

    Returns
    -------
    Accuracy, sensitivity, specificity, F1 and more; NaN where a score is not defined, and for the areas under the
    curves where ``found`` is a mask.

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.
    """
    if region not in ("fov", "image"):
        raise ArgumentError(f'region must be "fov" or "image", not {described(region)}.')
    rule = as_rule(threshold)
    given: ProbabilityMap | BoolArray
    if isinstance(found, Segmentation):
        given, rule = found.probability, rule or found.mask.rule
        known: FieldOfView | None = found.fov if fov is None else as_fov(fov, found.image)
    else:
        given = as_found(found)
        known = None if fov is None else _fov_alone(fov, given.shape)
    if known is None and region == "fov":
        raise ArgumentError(
            "fov is missing: to score inside the field of view, give its mask (a path or an array). To score the whole "
            'picture, give region="image".'
        )
    if isinstance(given, ProbabilityMap) and rule is None:
        raise ArgumentError("threshold is missing: at which probability does a vessel begin? For example 0.5.")
    if not isinstance(given, ProbabilityMap) and threshold is not None:
        raise ArgumentError("threshold is for a probability map, but found is a mask already: leave it out.")
    shape = given.shape[0], given.shape[1]
    truth = as_label(label, shape)
    inside = known.inside if known is not None and region == "fov" else np.ones(shape, np.bool_)
    scored = given if isinstance(given, ProbabilityMap) else GivenMask(given)
    return measure(scored, truth, inside, rule=rule).scores


def _fov_alone(fov: Fov, shape: tuple[int, ...]) -> FieldOfView:
    """A field of view for a map without a photograph: it can be given, not found."""
    if isinstance(fov, str) and fov == "auto":
        raise ArgumentError('fov="auto" needs the photograph: give a mask, or a Segmentation as found.')
    blank = FundusImage(np.zeros((*shape[:2], 3), np.uint8))
    return as_fov(fov, blank)
