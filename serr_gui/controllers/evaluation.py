"""All open photographs against expert 1: the table, its totals, and the report as a file."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from core.files import display_path
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.segmentation import SegmentationController
from serr_gui.model.comparison import Evaluation
from serr_gui.model.selectors import may_evaluate, with_result
from serr_gui.tasks import ModelCache, RunOptions, Segmented
from serr_gui.tasks.evaluating import EvaluationPart, EvaluationRequest, PhotoDone, evaluate_photos, write_evaluation

if TYPE_CHECKING:
    from core.evaluation.report import EvaluationReport


class EvaluationController(QObject):
    """Fills ``state.evaluation`` photograph by photograph."""

    def __init__(
        self,
        context: ControllerContext,
        foreground: ForegroundTask,
        beside: ForegroundTask,
        segmentation: SegmentationController,
    ) -> None:
        super().__init__(context)
        self._beside = beside
        self._context = context
        self._long = foreground
        self._segmentation = segmentation

    def evaluate_all(self, exported: Path | None = None) -> None:
        """Measure every open photograph at one threshold: the model's own, or that of the slider.

        ``exported`` : where exported results may lie; None: beside the photographs.
        """
        state = self._context.state
        self._context.finishSteps.emit()
        if not may_evaluate(state) or state.model is None:
            return
        alone = state.task is None
        place, model_cache = (self._long, self._segmentation.model_cache) if alone else (self._beside, ModelCache())
        request = EvaluationRequest(
            state.photos if alone else with_result(state),
            state.label_folders,
            RunOptions(state.model, state.device, state.run),
            state.rule if state.view.evaluate_at == "slider" else None,
            state.view.region,
            exported,
            state.view.skip_questionable,
            state.view.evaluate_measures,
        )
        state.evaluation = Evaluation(len(request.items))
        place.begin(
            "evaluate",
            lambda monitor: evaluate_photos(request, model_cache, self._context.store, monitor),
            items=1,
            partial_result=self._on_part,
            noted=lambda _note: None,  # they are in the table
            succeeded=self._on_evaluated,
            cancelled=self._on_cancelled,
            failed=partial(self._context.fail, self.tr("The photographs could not be evaluated.")),
        )

    def write(self, path: Path) -> None:
        """Write the report beside the window."""
        evaluation = self._context.state.evaluation
        report = evaluation.report if evaluation is not None else None
        if report is None:
            return
        self._context.workers.start(
            "report",
            lambda monitor: write_evaluation(report, path, monitor),
            succeeded=self._on_written,
            failed=partial(self._context.fail, self.tr("The report could not be written.")),
            completes=True,
        )

    def _on_part(self, part: EvaluationPart) -> None:
        state = self._context.state
        if isinstance(part, Segmented) and part.result is not None:
            self._segmentation.take_result(part.path, part.result)
        elif isinstance(part, PhotoDone) and state.evaluation is not None:
            so_far = state.evaluation
            if isinstance(part.outcome, str):
                state.evaluation = replace(so_far, failed=(*so_far.failed, (part.path, part.outcome)))
            else:
                state.evaluation = replace(so_far, images=(*so_far.images, part.outcome))

    def _on_evaluated(self, outcome: "EvaluationReport") -> None:
        self._context.state.evaluation = Evaluation(
            outcome.n_images + len(outcome.failed), outcome.images, outcome.failed, outcome
        )
        text = self.tr("{done} of {count} photographs are evaluated.").format(
            done=outcome.n_images, count=outcome.n_images + len(outcome.failed)
        )
        details = "\n".join(f"{display_path(path)}: {why}" for path, why in outcome.failed)
        corrected = sum(self._context.store.edits(item.path) is not None for item in self._context.state.photos)
        if corrected:
            more = self.tr("The model's own masks are scored: corrections by hand ({count} photographs) do not count.")
            text += " " + more.format(count=corrected)
        self._context.notify("warning" if outcome.failed else "success", text, details, until="work")

    def _on_cancelled(self) -> None:
        evaluation = self._context.state.evaluation
        done, count = (len(evaluation.images), evaluation.count) if evaluation is not None else (0, 0)
        text = self.tr(
            "Cancelled: {done} of {count} photographs are evaluated. What is segmented is kept; Evaluate All continues."
        )
        self._context.notify("info", text.format(done=done, count=count), until="work")

    def _on_written(self, outcome: Path) -> None:
        text = self.tr("{name} is written.").format(name=outcome.name)
        self._context.notify("success", text, folder=outcome.parent)
