"""``serr.segment`` and ``serr.segment_many``."""

from collections.abc import Iterable, Iterator
from typing import Literal

from core.api.arguments import Fov, Photo, Threshold, as_fov, as_photo, as_refined_rule, described
from core.api.models import DEFAULT_MODEL, Model, as_model
from core.errors import ArgumentError
from core.inference.engine_choice import checked_engine
from core.inference.options import ENGINES, Engine, InferenceOptions
from core.models.weights_file import LoadedModel
from core.progress import SILENT, Monitor
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.threshold_rule import ThresholdRule

__all__ = ["Segmentation", "segment", "segment_many"]


def segment(
    photo: Photo,
    model: Model = DEFAULT_MODEL,
    *,
    fov: Fov = "auto",
    threshold: Threshold = None,
    draw_like: str | None = None,
    low: float | None = None,
    min_pixels: int = 0,
    device: str = "auto",
    tta: Literal["none", "flips"] = "none",
    engine: Engine = "torch",
    doubt: bool = False,
    monitor: Monitor = SILENT,
) -> Segmentation:
    """Find the vessels of a photograph.

    Parameters
    ----------
    photo : the path of a file, an array uint8 (H, W, 3) in the order red, green, blue, or a FundusImage.
    model : a name from ``serr.models()``, the path of a weights file, or a model from ``serr.load_model``.
    fov : where the retina is: "auto" (found in the photograph), "full" (all of it), a mask as a file, a folder of masks
        or an array bool (H, W), or a FieldOfView.
    threshold : vessel where the probability is at least this; None for the model's own. Used is the nearest multiple of
        1/256.
    draw_like : the data set whose experts' drawing to follow, such as "DRIVE", in the place of a threshold; the model's
        ``card.styles`` are those that it has.
    low : hysteresis: a pixel of at least this probability is vessel, too, where such pixels connect it (4 neighbours)
        with one at the threshold. None: no hysteresis.
    min_pixels : vessels of fewer pixels (8 neighbours) are left out.
    device : "auto", "cpu", "cuda", "cuda:1" or "mps".
    tta : "flips" averages the photograph and its three mirror images: a little better, four times as long.
    engine : what runs the network: "torch", or "openvino" on the CPU, where serr-fundus[openvino] is installed.
    doubt : make a doubt map, too (``found.doubt``), which takes six times as long: how much the probability changes
        with changes of the photograph that should not matter, float32 (H, W) in [0, 0.5].
    monitor : gets the progress, and may end the work.

    Returns
    -------
    The mask (``.mask``), the probabilities (``.probability``), the field of view (``.fov``) and how they were made, on
    the photograph's own grid; ``numpy.asarray(found.mask)`` is bool (H, W).

    Raises
    ------
    SerrError : with a sentence that says what is wrong and what to do.
    """
    loaded, options = as_model(model), _options(device, tta, engine)
    rule = as_refined_rule(threshold, draw_like, low, min_pixels, loaded.card)
    return _segmented(photo, fov, model=loaded, rule=rule, options=options, doubt=doubt, monitor=monitor)


def segment_many(
    photos: Iterable[Photo],
    model: Model = DEFAULT_MODEL,
    *,
    fov: Literal["auto", "full"] = "auto",
    threshold: Threshold = None,
    draw_like: str | None = None,
    low: float | None = None,
    min_pixels: int = 0,
    device: str = "auto",
    tta: Literal["none", "flips"] = "none",
    engine: Engine = "torch",
    monitor: Monitor = SILENT,
) -> Iterator[Segmentation]:
    """Find the vessels of photographs, one after the other, as they are asked for.

    Only one photograph and its result are held here at a time, whatever ``photos`` is: a list, a generator, a reader of
    a video. Arguments as for ``segment``; they are checked before the first photograph.

    Raises
    ------
    SerrError : for a photograph that cannot be used, when it is reached. The iteration ends there.
    """
    if isinstance(photos, str | bytes) or not isinstance(photos, Iterable):
        raise ArgumentError(f"photos must be several photographs, such as a list of paths, not {described(photos)}.")
    if fov not in {"auto", "full"}:
        raise ArgumentError(f'fov must be "auto" or "full" for several photographs, not {described(fov)}.')
    loaded, options = as_model(model), _options(device, tta, engine)
    rule = as_refined_rule(threshold, draw_like, low, min_pixels, loaded.card)
    return (_segmented(photo, fov, model=loaded, rule=rule, options=options, monitor=monitor) for photo in photos)


def _segmented(
    photo: Photo,
    fov: Fov,
    *,
    model: LoadedModel,
    rule: ThresholdRule | None,
    options: InferenceOptions,
    monitor: Monitor,
    doubt: bool = False,
) -> Segmentation:
    image = as_photo(photo)
    return segment_photo(image, model, fov=as_fov(fov, image), options=options, rule=rule, doubt=doubt, monitor=monitor)


def _options(device: str, tta: Literal["none", "flips"], engine: Engine) -> InferenceOptions:
    if not isinstance(device, str):
        raise ArgumentError(f'device must be "auto", "cpu", "cuda", "cuda:1" or "mps", not {described(device)}.')
    if tta not in ("none", "flips"):
        raise ArgumentError(f'tta must be "none" or "flips", not {described(tta)}.')
    if engine not in ENGINES:
        raise ArgumentError(f'engine must be "torch" or "openvino", not {described(engine)}.')
    return InferenceOptions(device=device, tta=tta, engine=checked_engine(engine, device))
