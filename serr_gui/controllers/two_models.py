"""Two models on the photograph on the screen: the run, and its outcome in the state."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.files import display_path
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.model.two_models import TwoModels
from serr_gui.tasks.segmenting import ModelCache, RunOptions
from serr_gui.tasks.two_models import compare_on


class TwoModelsController(QObject):
    """Keeps ``state.two_models``."""

    def __init__(self, context: ControllerContext, foreground: ForegroundTask, model_cache: ModelCache) -> None:
        super().__init__(context)
        self._context, self._long, self._model_cache = context, foreground, model_cache

    def compare(self, left: Path, right: Path) -> None:
        """Run both models on the photograph on the screen, in its field of view."""
        state = self._context.state
        document = state.document
        if document is None or document.fov is None or state.task is not None:
            return
        fov, name = document.fov, display_path(document.path.name)
        requests = (RunOptions(left, state.device, state.run), RunOptions(right, state.device, state.run))
        problem = self.tr("The models could not be compared on {name}.")
        self._long.begin(
            "two_models",
            lambda monitor: compare_on(document, fov, requests, self._model_cache, monitor),
            name=name,
            succeeded=self._on_compared,
            failed=partial(self._context.fail, problem.format(name=name), until="work"),
        )

    def forget(self) -> None:
        """Let go of the maps, which are large, and end the work on them."""
        status = self._long.status
        if status is not None and status.kind == "two_models":
            self._long.cancel()
        self._context.state.two_models = None

    def _on_compared(self, outcome: TwoModels) -> None:
        self._context.state.two_models = outcome
