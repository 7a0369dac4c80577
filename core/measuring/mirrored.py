"""What a network finds in the mirrored photograph, for error bars."""

from collections.abc import Sequence

import numpy as np

from core.inference.options import InferenceOptions
from core.masks.edits import BACKGROUND, VESSEL
from core.masks.threshold import apply_threshold
from core.measures.traced import Variant
from core.models.weights_file import LoadedModel
from core.progress import SILENT, Monitor, part_of
from core.segment import segment_photo
from core.threshold_rule import ThresholdRule
from core.types import ByteArray, FieldOfView, FundusImage, ProbabilityMap


def mirrored_maps(
    image: FundusImage,
    model: LoadedModel,
    fov: FieldOfView,
    *,
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
    monitor: Monitor = SILENT,
) -> tuple[ProbabilityMap, ...]:
    """What a network finds in the mirrored photograph, mirrored back: upside down, left to right, and both.

    It depends neither on the threshold nor on corrections by hand.

    Raises
    ------
    SerrError : the photograph or the device cannot be used. Cancelled : by the monitor.
    """
    found = []
    for number, axes in enumerate(((0,), (1,), (0, 1))):
        turned = FundusImage(np.flip(image.rgb, axes).copy(), source=image.source)
        field = FieldOfView(np.flip(fov.inside, axes).copy(), fov.origin, fov.source)
        part = part_of(monitor, number, 3, "")
        made = segment_photo(turned, model, fov=field, options=inference, monitor=part)
        found.append(ProbabilityMap(np.flip(made.probability.values, axes).copy()))
    return tuple(found)


def mirrored_variants(
    maps: Sequence[ProbabilityMap], rule: ThresholdRule, codes: ByteArray | None = None
) -> tuple[Variant, ...]:
    """The vessels of ``mirrored_maps`` at a threshold, for error bars.

    ``codes`` : uint8 (H, W) of ``core.masks.edits``, what a hand has decided: it is decided in the mirror, too.
    """
    found = []
    for each in maps:
        plain = each.values if rule.is_plain else apply_threshold(each, rule).vessel.astype(np.float32)
        values = plain if codes is None else np.where(codes == VESSEL, 1.0, np.where(codes == BACKGROUND, 0.0, plain))
        if rule.is_plain:
            found.append(Variant("mirrored", np.asarray(values, np.float32), rule.threshold))
        else:
            found.append(Variant("mirrored", values > 0))
    return tuple(found)
