"""Two models on the photograph on the screen."""

from pathlib import Path

from core.progress import Monitor
from core.types import FieldOfView
from serr_gui.model.state import Document
from serr_gui.model.two_models import ModelMap, TwoModels
from serr_gui.tasks.segmenting import ModelCache, RunOptions


def compare_on(
    document: Document,
    fov: FieldOfView,
    models: tuple[RunOptions, RunOptions],
    model_cache: ModelCache,
    monitor: Monitor,
) -> TwoModels:
    """The maps of two models; the result on the screen is taken where it is of one of them, made in the same way.

    Raises
    ------
    SerrError : a model, the device or the photograph cannot be used.
    """
    left, right = (_map_of(document, fov, request, model_cache, monitor) for request in models)
    return TwoModels(document.path, document.image, fov, left, right)


def _map_of(
    document: Document, fov: FieldOfView, request: RunOptions, model_cache: ModelCache, monitor: Monitor
) -> ModelMap:
    from core.segment import segment_photo

    path: Path = request.model
    kept, options = document.result, request.inference()
    segmentation = kept.segmentation if kept is not None and kept.model_path == path else None
    if segmentation is None or segmentation.fov is not fov or segmentation.options.tta != options.tta:
        model = model_cache.get(path, monitor)
        segmentation = segment_photo(document.image, model, fov=fov, options=options, monitor=monitor)
    return ModelMap(segmentation.card.name, path, segmentation.probability, segmentation.card.rule)
