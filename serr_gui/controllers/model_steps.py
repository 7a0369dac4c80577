"""Undo and Redo of results by another model."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.files import display_path
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.controllers.models import ModelController
from serr_gui.controllers.segmentation import SegmentationController
from serr_gui.controllers.workers import Failure
from serr_gui.model.editing import EditStep

_SLOT = "model step"


class ModelSteps(QObject):
    """Brings back what the model before, or after, a step had found; where that is not kept, it is run again."""

    def __init__(
        self,
        context: ControllerContext,
        history: HistoryController,
        models: ModelController,
        segmentation: SegmentationController,
    ) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        self._models, self._segmentation = models, segmentation
        history.register("model", self._apply, slow=True)

    def _apply(self, path: Path, step: EditStep, back: bool) -> bool:
        model = Path((step.before if back else step.after)["model"])
        state = self._context.state
        former, document = self._context.store.former(path, model), state.document
        if former is not None and document is not None and former.image.sha256 == document.image.sha256:
            self._history.hold(partial(self._context.workers.finish, _SLOT))
            self._bring_back(path, tasks.Former(former, model), back)
            return True
        if state.task is not None or all(choice.path != model for choice in state.models):
            text = self.tr("The model {name} is no longer available, so this step cannot be undone.")
            self._context.notify("warning", text.format(name=display_path(model.name)), until="photo")
            return False
        self._models.set_model(model)
        self._segmentation.segment(otherwise=partial(self._history.revert, path, back=back), by_history=True)
        return True

    def _bring_back(self, path: Path, former: tasks.Former, back: bool) -> None:
        """Lay the corrections over a result that is kept, in a thread: half a second for 24 megapixels."""
        self._context.workers.start(
            _SLOT,
            lambda _monitor: tasks.carry_former(path, former, self._context.store),
            succeeded=partial(self._on_brought, path, former, back),
            failed=partial(self._on_failed, path, back),
        )

    def _on_brought(self, path: Path, former: tasks.Former, back: bool, carried: tasks.Carried) -> None:
        if self._context.store.corrected(path) is not carried.kept_in:  # a threshold has made other levels meanwhile
            self._bring_back(path, former, back)
            return
        self._history.release(partial(self._take, path, former, carried))

    def _take(self, path: Path, former: tasks.Former, carried: tasks.Carried) -> None:
        self._models.set_model(former.model_path)
        self._segmentation.take_result(path, carried, by_history=True)

    def _on_failed(self, path: Path, back: bool, failure: Failure) -> None:
        self._context.fail(self.tr("This step could not be undone."), failure, until="photo")
        self._history.release(partial(self._history.revert, path, back=back))
