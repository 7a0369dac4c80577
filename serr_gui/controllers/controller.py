"""Requests become jobs, and the outcomes of jobs become state. Nothing else writes the state.

The parts: ``photos`` (opening), ``models`` (models and devices), ``segmentation`` (segmenting and exporting),
``history`` (Undo), ``model_steps`` (of results by another model), ``editing`` (corrections by hand),
``fov_painting``, ``painting`` (which of them a stroke is for), ``vessels`` (what tools look for), ``thresholds``,
``shaping`` (their masks), ``labelling`` (what the mask begins with, and labels), ``annotating`` (marks and time),
``measuring`` (measures of vessels), ``keeping`` (what comes back at the next start), ``sessions`` (files of that),
``enhancing`` (pictures by a network, to look at), ``comparison`` (labels of experts), ``evaluation`` (all
photographs), ``data_sets`` and ``training`` (models that a person trains), ``batch`` (cohorts in processes of their
own), and here the view, and what connects the parts.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.evaluation.confusion import Region
from core.files import display_path, write_bytes_atomic
from core.masks.threshold import otsu_level
from core.models.drawing_style import style_named
from core.resources import sample_path
from core.threshold_rule import ThresholdRule
from serr_gui.controllers.annotating import AnnotatingController
from serr_gui.controllers.batch import BatchController
from serr_gui.controllers.comparison import ComparisonController
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.data_sets import DataSetController
from serr_gui.controllers.editing import EditingController
from serr_gui.controllers.enhancing import EnhancingController
from serr_gui.controllers.evaluation import EvaluationController
from serr_gui.controllers.export_previews import ExportPreviews
from serr_gui.controllers.exported import ExportedController
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.fov_painting import FovPainting
from serr_gui.controllers.history import HistoryController
from serr_gui.controllers.keeping import KeepingController
from serr_gui.controllers.labelling import LabellingController
from serr_gui.controllers.measure_steps import MeasureSteps
from serr_gui.controllers.measuring import MeasuringController
from serr_gui.controllers.model_steps import ModelSteps
from serr_gui.controllers.models import ModelController
from serr_gui.controllers.painting import PaintingController
from serr_gui.controllers.photos import PhotoController
from serr_gui.controllers.questionable import QuestionablePainting
from serr_gui.controllers.segmentation import SegmentationController
from serr_gui.controllers.session_task import SessionTask
from serr_gui.controllers.sessions import SessionController
from serr_gui.controllers.shaping import ShapingController
from serr_gui.controllers.study import StudyController
from serr_gui.controllers.thresholds import ThresholdSteps
from serr_gui.controllers.training import TrainingController
from serr_gui.controllers.two_models import TwoModelsController
from serr_gui.controllers.vessels import VesselController
from serr_gui.model.comparison import ErrorFilter
from serr_gui.model.result_store import ResultStore
from serr_gui.model.rule_selectors import model_rule, model_styles, style_rule
from serr_gui.model.selectors import stale_reasons, with_result
from serr_gui.model.state import AppState, Base, FovChoice, PhotoItem, Preferences, RunSettings, Theme, ViewOptions
from serr_gui.tasks import comparing as comparing_work
from serr_gui.tasks.shares import ShareItem, write_shares


class Controller(QObject):
    """The only writer of the state."""

    def __init__(self, state: AppState, store: ResultStore | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.context = ControllerContext(state, store or ResultStore(), self)
        self.history = HistoryController(self.context)
        self.photos = PhotoController(self.context, self.history)
        self.models = ModelController(self.context)
        foreground = ForegroundTask(self.context)
        beside = ForegroundTask(self.context, "side_task")
        self.segmentation = SegmentationController(self.context, foreground, beside, self.history)
        ModelSteps(self.context, self.history, self.models, self.segmentation)
        self.export_previews = ExportPreviews(self.context)
        self.evaluation = EvaluationController(self.context, foreground, beside, self.segmentation)
        self.editing = EditingController(self.context, self.history)
        self.vessels = VesselController(self.context, self.editing)
        self.thresholds = ThresholdSteps(self.context, self.history)
        self.shaping = ShapingController(self.context, self.editing, self.thresholds)
        self.fov_painting = FovPainting(self.context, self.photos)
        self.questionable = QuestionablePainting(self.context, self.history)
        self.painting = PaintingController(
            self.context, {"vessels": self.editing, "questionable": self.questionable, "fov": self.fov_painting}
        )
        self.labelling = LabellingController(self.context, self.editing, self.questionable, self.segmentation)
        self.annotating = AnnotatingController(self.context, self.photos)
        self.study = StudyController(self.context)
        steps, cache = MeasureSteps(self.context, self.history), self.segmentation.model_cache
        self.measuring = MeasuringController(self.context, self.editing, steps, foreground, cache)
        self.comparison = ComparisonController(self.context)
        self.two_models = TwoModelsController(self.context, foreground, self.segmentation.model_cache)
        self.enhancing = EnhancingController(self.context, foreground, self.photos)
        self.models.enhancersChanged.connect(self.enhancing.start)
        self.training = TrainingController(self.context, foreground)
        self.data_sets = DataSetController(self.context)
        self.session_task = SessionTask(self.context)
        exported = ExportedController(self.context, self.photos)
        self.keeping = KeepingController(self.context, self.photos, exported, self.session_task)
        self.batch = BatchController(self.context, self.photos, exported)
        self.sessions = SessionController(self.context, self.keeping, self.session_task)
        self.history.movedElsewhere.connect(self.keeping.note_steps)
        self._style_to_find = ""
        for event in (state.events.models, state.events.model):
            event.connect(self._find_style)
        self.context.settled.connect(self._segment_if_wanted)

    def shutdown(self) -> None:
        """End all jobs, wait for their threads, and remove the files of this run."""
        self.history.finish_steps()  # what was undone is undone at the next start, too
        self.context.workers.shutdown()
        self.context.pending.write_all()
        self.annotating.pause()  # the time since it was last written down
        self.keeping.close()  # results that it has to write down are in the store
        self.context.store.close()

    def open_sample(self) -> None:
        """Open the photograph that comes with the program, and segment it."""
        self.photos.open_paths([sample_path()], segment=True)

    def set_level(self, level: int) -> None:
        """Set the threshold to level/256 by hand."""
        self.shaping.set_level(level)

    def nudge_level(self, by: int) -> None:
        self.set_level(self.state.rule.level + by)

    def reset_level(self) -> None:
        """Go back to the model's own threshold."""
        self.draw_like("")

    def draw_like(self, style: str) -> None:
        """Draw as the experts of a data set do, this photograph and later ones; empty: at the model's own threshold."""
        state = self.state
        state.draw_like = style
        rule = style_rule(model_styles(state), style) or model_rule(state)
        if state.result is None:
            if state.item is not None and state.item.rule is not None:
                self.context.set_item(state.item.path, rule=None)
            self.context.follow_rule()
        elif rule is not None:
            self._set_rule(rule)

    def begin_to_draw_like(self, name: str) -> None:
        """Draw photographs as the experts of a data set do from their first result on, as soon as a model is known.

        ``name`` : as a person types it.
        """
        self._style_to_find = name
        self._find_style()

    def _find_style(self) -> None:
        state, name = self.state, self._style_to_find
        if not name or state.model_choice is None:
            return
        self._style_to_find = state.draw_like = ""
        style = style_named(state.model_choice.styles, name)
        if style is not None:
            state.draw_like = style.name
            self.context.follow_rule()
            return
        text = self.tr("{model} has no drawing style {style}: its own threshold is used.")
        text = text.format(model=state.model_choice.name, style=name[:80])
        names = ", ".join(known.name for known in state.model_choice.styles)
        if names:
            text += " " + self.tr("It can draw like: {names}.").format(names=names)
        self.context.notify("warning", text)

    def otsu_level(self) -> None:
        """Set the threshold by Otsu's method on the probabilities inside the field of view."""
        result = self.state.result
        if result is None:
            return
        made, rule = result.segmentation, self.state.rule

        def found(level: int) -> None:
            now = self.state.result
            if now is not None and now.segmentation is made and self.state.rule == rule:  # nobody has moved it since
                self._set_rule(ThresholdRule(level, "otsu"))

        self.context.workers.start(
            "otsu",
            lambda _monitor: otsu_level(made.probability, made.fov),
            succeeded=found,
            failed=partial(self.context.fail, self.tr("The threshold could not be found.")),
        )

    def suggest_level(self, how: str) -> None:
        """Set the threshold that follows from the labels (``ComparisonController.suggested_rule``)."""
        rule = self.comparison.suggested_rule(how)
        if rule is not None:
            self._set_rule(rule)

    def take_file(self, expert: int | None, path: Path) -> None:
        """Use a file as the label of an expert, or, for None, as the mask of the field of view."""
        if expert is None:
            self.photos.set_fov(FovChoice("file", path))
        else:
            self.comparison.load_label(expert, path)

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Open photographs and folders; a picture of two values is a label of the photograph on the screen."""
        document = self.state.document
        if document is None:
            self.photos.open_paths(paths)
            return
        shape = document.image.shape
        self.context.workers.start(
            "drop",
            lambda _monitor: comparing_work.sort_dropped(paths, shape),
            succeeded=self._on_dropped_sorted,
            failed=partial(self.context.fail, self.tr("What was dropped cannot be opened.")),
        )

    def _on_dropped_sorted(self, outcome: comparing_work.Dropped) -> None:
        if outcome.labels:
            self.comparison.load_labels(outcome.labels)
        if outcome.others:
            self.photos.open_paths(outcome.others)

    def use_label_as_fov(self, expert: int) -> None:
        """A file that was taken for a label is the mask of the field of view."""
        path = self.comparison.use_as_fov(expert)
        if path is not None:
            self.photos.set_fov(FovChoice("file", path))

    def set_view(self, view: ViewOptions) -> None:
        """Change what is shown and how."""
        self.state.view = view
        self.photos.refresh_base_view()

    def set_base(self, base: Base) -> None:
        self.set_view(replace(self.state.view, base=base))

    def toggle_mask(self) -> None:
        self.set_view(replace(self.state.view, show_mask=not self.state.view.show_mask))

    def toggle_probability(self) -> None:
        self.set_view(replace(self.state.view, show_probability=not self.state.view.show_probability))

    def toggle_edits(self) -> None:
        self.set_view(replace(self.state.view, show_edits=not self.state.view.show_edits))

    def toggle_questionable(self) -> None:
        self.set_view(replace(self.state.view, show_questionable=not self.state.view.show_questionable))

    def toggle_skipping(self) -> None:
        """Count scores without the questionable pixels, or with them."""
        self.set_view(replace(self.state.view, skip_questionable=not self.state.view.skip_questionable))

    def toggle_fov(self) -> None:
        self.set_view(replace(self.state.view, show_fov=not self.state.view.show_fov))

    def toggle_errors(self) -> None:
        view = self.state.view
        self.set_view(replace(view, show_errors=not view.show_errors, show_label=False))

    def toggle_label(self) -> None:
        """Show an expert's label alone, in place of the mask and of the error map."""
        view = self.state.view
        self.set_view(replace(view, show_label=not view.show_label, show_errors=False))

    def set_region(self, region: Region) -> None:
        """Count scores inside the field of view, or in the whole image."""
        self.set_view(replace(self.state.view, region=region))

    def write_shares(self, items: Sequence[PhotoItem], path: Path) -> None:
        """Write the table of vessel shares, next to whatever else is running."""
        wanted = tuple(ShareItem(item.path, item.rule) for item in items)
        self.context.workers.start(
            "shares",
            partial(write_shares, wanted, path, self.context.store),
            succeeded=lambda _path: self.context.notify(
                "success", self.tr("{name} is written.").format(name=path.name), folder=path.parent
            ),
            failed=partial(self.context.fail, self.tr("The table could not be written.")),
        )

    def write_file(self, path: Path, content: bytes) -> None:
        """Write a small file beside the window, and say so."""
        self.context.workers.start(
            f"write {path}",
            lambda _monitor: write_bytes_atomic(path, content, follow_link=True),
            succeeded=lambda _none: self.context.notify(
                "success", self.tr("{name} is written.").format(name=display_path(path.name)), folder=path.parent
            ),
            failed=partial(self.context.fail, self.tr("The file could not be written.")),
            in_turn=True,
            completes=True,
        )

    def set_error_filter(self, request: ErrorFilter) -> None:
        """Step through these errors."""
        self.set_view(replace(self.state.view, error_filter=request))

    def set_run(self, run: RunSettings) -> None:
        """Run networks in this way from now on."""
        self.state.run = run

    def set_preferences(self, preferences: Preferences) -> None:
        """Take over what the settings dialog was left with."""
        state = self.state
        state.run, state.cache_mb, state.font_pt = preferences.run, preferences.cache_mb, preferences.font_pt
        state.observer = preferences.observer
        self.context.store.memory_bytes = preferences.cache_mb << 20
        if preferences.model is not None and preferences.model != state.model:
            self.models.set_model(preferences.model)
        if preferences.device != state.device:
            self.models.set_device(preferences.device)
        if preferences.theme != state.theme:
            self.set_theme(preferences.theme)

    def hide_overlay(self, hidden: bool) -> None:
        self.state.overlay_hidden = hidden

    def set_theme(self, theme: Theme) -> None:
        self.state.theme = theme

    def export_items(self, *, everything: bool) -> tuple[PhotoItem, ...]:
        """The photographs of an export, with their thresholds as they are now."""
        item = self.state.item
        if everything:
            return with_result(self.state)
        return (item,) if item is not None and item.status == "done" else ()

    def items_of(self, paths: Sequence[Path]) -> tuple[PhotoItem, ...]:
        """The lines of some photographs, in the order of the list."""
        wanted = set(paths)
        return tuple(item for item in self.state.photos if item.path in wanted)

    def segment_paths(self, paths: Sequence[Path]) -> None:
        """Find the vessels of some photographs of the list."""
        self.segmentation.segment_items(self.items_of(paths))

    def _segment_if_wanted(self) -> None:
        state = self.state
        if state.document is None or state.opening is not None or state.model is None:
            return
        wanted, self.context.segment_when_ready = self.context.segment_when_ready, False
        if not wanted:
            return
        if state.document.result is None or stale_reasons(state):
            self.segmentation.segment()

    def _set_rule(self, rule: ThresholdRule) -> None:
        if rule != self.state.rule:
            self.thresholds.set_rule(rule)
