"""Panels that are made when they are first shown: each with who does what it asks for."""

from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QTimer

from serr_gui.system.desktop import open_outside

if TYPE_CHECKING:
    from serr_gui.panels.batch.panel import BatchPanel
    from serr_gui.panels.comparison.curves import CurvesPanel
    from serr_gui.panels.comparison.evaluation import EvaluationPanel
    from serr_gui.panels.history import HistoryPanel
    from serr_gui.panels.measure.panel import MeasurePanel
    from serr_gui.panels.training.panel import TrainingPanel
    from serr_gui.window.main_window import MainWindow


MODULES: Final = (
    "pyqtgraph",  # by itself: two threads that import it through others could wait for one another
    "serr_gui.widgets.curve_plot",
    "serr_gui.panels.training.plots",
    "serr_gui.panels.training.panel",
    "serr_gui.panels.measure.panel",
    "serr_gui.panels.comparison.curves",
    "serr_gui.panels.comparison.evaluation",
    "serr_gui.panels.batch.panel",
    "serr_gui.panels.history",
    "serr_gui.panels.batch.new_batch_dialog",
    "serr_gui.panels.training.new_training_dialog",
    "serr_gui.panels.data_set.dialog",
    "serr_gui.panels.export_dialog",
    "serr_gui.panels.settings_dialog",
)
"""What the panels and the forms are made of."""
REST_MS: Final = 3000
"""So that a photograph is opened and segmented first."""


def load_beside(window: "MainWindow") -> None:
    """Load the modules of the panels beside the window, some time after the libraries, when nothing else is done.

    Otherwise the first look at a panel lets the window wait for them; pyqtgraph alone takes a quarter of a second.
    """
    state, rest = window.state, QTimer(window)
    rest.setSingleShot(True)
    rest.setInterval(REST_MS)

    def load() -> None:
        if state.task is not None or state.opening is not None:
            rest.start()
        else:
            window.controller.context.look(_load, lambda _none: window.panelsLoaded.emit())

    rest.timeout.connect(load)
    state.events.library_ready.connect(lambda ready: rest.start() if ready else None)


def _load() -> None:
    for name in MODULES:
        with suppress(ImportError):  # whoever shows the panel hears of it
            import_module(name)


def make_history(window: "MainWindow") -> "HistoryPanel":
    """The steps of Undo."""
    from serr_gui.panels.history import HistoryPanel

    panel = HistoryPanel(window.state, window.commands)
    panel.stepRequested.connect(window.controller.history.go_to)
    return panel


def make_curves(window: "MainWindow") -> "CurvesPanel":
    """The curves of the photograph against a label."""
    from serr_gui.panels.comparison.curves import CurvesPanel

    panel = CurvesPanel(window.state, window.commands)
    panel.levelRequested.connect(window.controller.set_level)
    panel.exportRequested.connect(partial(window.report_prompts.export_curves, panel))
    return panel


def make_evaluation(window: "MainWindow") -> "EvaluationPanel":
    """The scores of all photographs."""
    from serr_gui.panels.comparison.evaluation import EvaluationPanel

    panel = EvaluationPanel(window.state, window.commands)
    panel.photoRequested.connect(window.controller.photos.open_or_select)
    panel.viewRequested.connect(window.controller.set_view)
    return panel


def make_trainings(window: "MainWindow") -> "TrainingPanel":
    """The trainings."""
    from serr_gui.panels.training.panel import TrainingPanel

    panel, training = TrainingPanel(window.state, window.commands), window.controller.training
    questions = window.training_prompts
    panel.jobRequested.connect(training.choose)
    panel.pictures.pictureRequested.connect(training.read_picture)
    training.pictureRead.connect(panel.pictures.show_picture)
    panel.pauseRequested.connect(training.pause)
    panel.stopRequested.connect(training.stop)
    panel.resumeRequested.connect(training.resume)
    panel.forceRequested.connect(questions.end_job_by_force)
    panel.removeRequested.connect(questions.remove_job)
    panel.describeRequested.connect(questions.describe_job)
    panel.folderRequested.connect(questions.open_job_folder)
    panel.compareRequested.connect(questions.compare_job)
    panel.takeRequested.connect(window.model_prompts.add_job)
    panel.exportRequested.connect(window.model_prompts.export_job)
    return panel


def make_batches(window: "MainWindow") -> "BatchPanel":
    """The batches."""
    from serr_gui.panels.batch.panel import BatchPanel

    panel, batch = BatchPanel(window.state, window.commands), window.controller.batch
    panel.batchRequested.connect(batch.choose)
    panel.findRequested.connect(batch.find)
    panel.photoRequested.connect(batch.open_photo)
    panel.pauseRequested.connect(lambda facts: batch.ask(facts.folder, "pause"))
    panel.stopRequested.connect(window.batch_prompts.stop)
    panel.resumeRequested.connect(lambda facts: batch.resume(facts.folder))
    panel.retryRequested.connect(lambda facts: batch.resume(facts.folder, retry_failed=True))
    panel.folderRequested.connect(lambda facts: open_outside(facts.folder))
    panel.forgetRequested.connect(lambda facts: batch.forget(facts.folder))
    return panel


def make_measure(window: "MainWindow") -> "MeasurePanel":
    """The measures of the vessels."""
    from serr_gui.panels.measure.panel import MeasurePanel

    panel, measuring = MeasurePanel(window.state, window.commands), window.controller.measuring
    panel.watchRequested.connect(measuring.watch)
    panel.segments.vesselRequested.connect(measuring.choose)
    panel.bar.colourRequested.connect(measuring.colour)
    panel.bar.clickRequested.connect(measuring.click_for)
    panel.setup.pixelRequested.connect(lambda pixel, everywhere: measuring.set_pixel(pixel, everywhere=everywhere))
    panel.setup.assumedRequested.connect(lambda mm, everywhere: measuring.assume_disc(mm, everywhere=everywhere))
    panel.setup.despiteRequested.connect(measuring.despite_doubts)
    panel.setup.discRemoveRequested.connect(measuring.remove_disc)
    return panel
