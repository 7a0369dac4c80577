"""``serr.evaluate``."""

import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np

from core.api.arguments import (
    Fov,
    Threshold,
    Values,
    as_found,
    as_fov,
    as_fov_alone,
    as_label,
    as_rule,
    as_values,
    described,
    refuse_wrong_threshold,
)
from core.errors import ArgumentError, DoubtWarning
from core.evaluation.confusion import Scores
from core.evaluation.connectedness import unit_of
from core.evaluation.measure import GivenMask, found_vessels, measure
from core.evaluation.result_checks import oddities
from core.photo.label_checks import refuse_inverted
from core.photo.label_matching import find_wrong_pair
from core.segmentation import Segmentation
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage, ProbabilityMap


def evaluate(
    found: object,
    label: object,
    *,
    fov: Fov | None = None,
    threshold: Threshold = None,
    region: Literal["fov", "image"] = "fov",
    vessel_values: Values | None = None,
    ignore_values: Values | None = None,
) -> Scores:
    """Score a result against an expert's label.

    Parameters
    ----------
    found : a Segmentation; a probability map, float (H, W) in [0, 1]; or a mask of two values, (H, W).
    label : the expert's vessels: the path of a picture, an array of two values (H, W), or an ExpertLabel, whose open
        pixels are not scored.
    fov : the field of view, where ``found`` is not a Segmentation, which has its own: a mask as a path or an array bool
        (H, W), a FieldOfView, or "full".
    threshold : at which a probability map is scored; for a Segmentation None means its own.
    region : count pixels inside the field of view ("fov", as is usual) or in the whole picture ("image"). A dark border
        that counts as found right makes scores look better: name the region with every score.
    vessel_values, ignore_values : of a label of more than two values (a path or an array uint8) which are vessel and
        which are not scored: ``"1,2"``, ``255``, ``["#ff0000", "#0000ff"]``. All others are background.

    Returns
    -------
    Accuracy, sensitivity, specificity, F1 and more; NaN where a score is not defined, and for the areas under the
    curves where ``found`` is a mask. ``thin_sensitivity`` is of vessels of up to 3 pixels at DRIVE's scale, which needs
    a field of view; ``pieces`` and ``pieces_error`` (Betti-0 error) are numbers of connected pieces, not shares.

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.

    Warns
    -----
    DoubtWarning : the scores may mean nothing. Where ``found`` is a Segmentation, the label does not seem to belong to
        its photograph, is turned or mirrored, or its field of view is doubtful; a mask that looks inverted.
    """
    if region not in ("fov", "image"):
        raise ArgumentError(f'region must be "fov" or "image", not {described(region)}.')
    rule = as_rule(threshold)
    values = as_values(vessel_values, ignore_values)
    given: ProbabilityMap | BoolArray
    if isinstance(found, Segmentation):
        given, rule = found.probability, rule or found.mask.rule
        known: FieldOfView | None = found.fov if fov is None else as_fov(fov, found.image)
    else:
        given = as_found(found)
        known = None if fov is None else as_fov_alone(fov, given.shape)
    if known is None and region == "fov":
        raise ArgumentError(
            "fov is missing: to score inside the field of view, give its mask (a path or an array). To score the whole "
            'picture, give region="image".'
        )
    refuse_wrong_threshold(given, rule)
    shape = given.shape[0], given.shape[1]
    truth = as_label(label, shape, values)
    refuse_inverted(truth, known.inside if known is not None else None)
    inside = known.inside if known is not None and region == "fov" else np.ones(shape, np.bool_)
    scored = given if isinstance(given, ProbabilityMap) else GivenMask(given)
    image = found.image if isinstance(found, Segmentation) else None
    for doubt in _doubts(image, known, truth, scored, rule):
        warnings.warn(doubt, DoubtWarning, stacklevel=2)
    unit = unit_of(known.diameter_px) if known is not None else None
    return measure(scored, truth.vessel, truth.scored(inside), rule=rule, unit_px=unit).scores


def _doubts(
    image: FundusImage | None,
    fov: FieldOfView | None,
    label: ExpertLabel,
    scored: ProbabilityMap | GivenMask,
    rule: ThresholdRule | None,
) -> Iterator[str]:
    """Why the scores may mean nothing, in sentences."""
    if fov is not None:
        yield from (doubt.text for doubt in fov.doubts)
    wrong = find_wrong_pair(image, fov, label) if image is not None and fov is not None else None
    if wrong is not None:
        yield wrong.sentence
    region = fov.inside if fov is not None else np.ones(label.vessel.shape, np.bool_)
    yield from oddities(scored, found_vessels(scored, rule), label.vessel, region, belongs=wrong is None)
