"""Finding the vessels of one photograph and of many."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FieldOfViewError, SerrError
from core.progress import Monitor, Progress
from core.types import FieldOfView
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore
from serr_gui.model.state import Document, PhotoItem, RunSettings
from serr_gui.tasks import comparing
from serr_gui.tasks.carrying import Carried, carry
from serr_gui.tasks.monitor import BatchStep, YieldingMonitor
from serr_gui.tasks.photos import read_photo

if TYPE_CHECKING:
    from core.inference.options import InferenceOptions
    from core.models.weights_file import LoadedModel


class ModelCache:
    """Loads a model once and keeps it. Used by one job at a time."""

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._path: Path | None = None

    def get(self, path: Path, monitor: Monitor) -> "LoadedModel":
        if self._model is None or self._path != path:
            monitor.step(Progress("Loading the model"))
            from core.models.catalogue import load_model

            self._model, self._path = None, None  # the old one leaves the memory before the new one comes
            self._model = load_model(path)
            self._path = path
        return self._model


@dataclass(frozen=True, slots=True, eq=False)
class RunOptions:
    """What a run shall use."""

    model: Path
    device: str
    run: RunSettings = field(default_factory=RunSettings)

    def inference(self) -> "InferenceOptions":
        """As the library takes them."""
        from core.inference.options import InferenceOptions

        run = self.run
        return InferenceOptions(device=self.device, tta=run.tta, precision=run.precision, threads=run.threads or None)


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """The outcome for one photograph of a run: a result or a sentence."""

    path: Path
    result: Carried | None
    problem: str = ""


BatchPart = BatchStep | Segmented
"""What a run over many photographs hands over: which comes next, and what became of it."""


def segment_document(
    document: Document, fov: FieldOfView, request: RunOptions, model_cache: ModelCache, monitor: Monitor
) -> Result:
    """Find the vessels of the photograph on the screen.

    Raises
    ------
    SerrError : the model, the device or the photograph cannot be used.
    """
    from core.segment import segment_photo

    model = model_cache.get(request.model, monitor)
    segmentation = segment_photo(document.image, model, fov=fov, options=request.inference(), monitor=monitor)
    return Result.of(segmentation, request.model)


def segment_many(
    items: Sequence[PhotoItem],
    request: RunOptions,
    model_cache: ModelCache,
    store: ResultStore,
    monitor: YieldingMonitor[BatchPart],
) -> None:
    """Find the vessels of many photographs; a bad one does not stop the others.

    Delivers a ``BatchStep`` before and a ``Segmented`` after each.

    Raises
    ------
    SerrError : the model cannot be loaded.
    """
    from core.datasets.recognise import CaseFinder

    model_cache.get(request.model, monitor)
    finder = CaseFinder()
    for number, item in enumerate(items, start=1):
        monitor.yield_result(BatchStep(number, len(items), item.path))
        try:
            known = comparing.files_of(item.path, (None, None), finder)[1] if item.labels is None else None
            document = read_photo(item, known, store, monitor).document
            if document.fov is None:
                raise FieldOfViewError(document.fov_problem)
            result = segment_document(document, document.fov, request, model_cache, monitor)
        except SerrError as error:
            monitor.yield_result(Segmented(item.path, None, str(error)))
        else:
            monitor.yield_result(Segmented(item.path, carry(item.path, result, store)))
