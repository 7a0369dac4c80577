"""What each command does: requests to the controller, questions first, or something of the window alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from PySide6.QtGui import QGuiApplication

from core.evaluation.confusion import REGIONS
from serr_gui.actions.compare_menu import ERROR_FILTERS
from serr_gui.canvas.photo_view import ZOOM_STEP
from serr_gui.model.editing import LassoFill, ToolName
from serr_gui.model.measuring import Colouring
from serr_gui.model.state import BASES, Theme
from serr_gui.window.dialogs import AboutDialog, ShortcutsDialog

if TYPE_CHECKING:
    from serr_gui.window.main_window import MainWindow


def make_handlers(window: "MainWindow") -> dict[str, Callable[[], None]]:
    """A function for every key of the table of commands."""
    controller, prompts, canvas = window.controller, window.prompts, window.canvas
    training, models = window.training_prompts, window.model_prompts
    handlers: dict[str, Callable[[], None]] = {
        "open": prompts.open_photographs,
        "open_folder": prompts.open_folder,
        "open_sample": controller.open_sample,
        "open_session": prompts.open_session,
        "save_session": prompts.save_session,
        "save_session_as": prompts.save_session_as,
        "export": partial(prompts.export, everything=False),
        "export_all": partial(prompts.export, everything=True),
        "export_enhanced": window.report_prompts.export_enhanced,
        "close_photo": prompts.close_photo,
        "close_all": prompts.close_all,
        "export_shares": window.report_prompts.export_shares,
        "settings": lambda: _none(prompts.open_settings()),
        "model_card": prompts.show_model_card,
        "quit": window.close_window,
        "undo": controller.history.undo,
        "redo": controller.history.redo,
        "hand": window.tools.leave,
        "find_gaps": controller.vessels.find_gaps,
        "take_gap": controller.vessels.take_gap,
        "skip_gap": controller.vessels.skip_gap,
        "swap_tool": controller.editing.swap_tool,
        "smaller_tool": partial(controller.editing.step_size, -1),
        "larger_tool": partial(controller.editing.step_size, 1),
        "pen_pressure": controller.editing.toggle_pressure,
        "discard_corrections": prompts.discard_corrections,
        "done_and_next": controller.annotating.done_and_next,
        "mark_done": controller.annotating.toggle_done,
        "mark_doubtful": controller.annotating.toggle_doubtful,
        "write_note": partial(_write_note, window),
        "target_vessels": partial(controller.editing.set_target, "vessels"),
        "target_questionable": partial(controller.editing.set_target, "questionable"),
        "show_edits": controller.toggle_edits,
        "show_questionable": controller.toggle_questionable,
        "skip_questionable": controller.toggle_skipping,
        "target_fov": partial(controller.editing.set_target, "fov"),
        "fov_circle": partial(controller.editing.set_tool, "fov_circle"),
        "start_empty": controller.labelling.start_empty,
        "start_label_1": partial(controller.labelling.start_from_label, 0),
        "start_label_2": partial(controller.labelling.start_from_label, 1),
        "start_over": window.label_prompts.start_over,
        "save_label": window.label_prompts.save_label,
        "copy_picture": lambda: QGuiApplication.clipboard().setPixmap(canvas.grab()),
        "segment": controller.segmentation.segment,
        "segment_all": controller.segmentation.segment_all,
        "new_batch": lambda: _none(window.batch_prompts.new_batch()),
        "open_batch": window.batch_prompts.open_batch,
        "show_batches": partial(window.toggle_dock, "batches"),
        "cancel": controller.segmentation.cancel,
        "pause": controller.segmentation.pause,
        "threshold_lower": partial(controller.nudge_level, -1),
        "threshold_higher": partial(controller.nudge_level, 1),
        "threshold_model": controller.reset_level,
        "threshold_otsu": controller.otsu_level,
        "threshold_all": controller.thresholds.set_for_all,
        "add_model": models.add_file,
        "previous": partial(controller.photos.step, -1),
        "next": partial(controller.photos.step, 1),
        "show_mask": controller.toggle_mask,
        "show_probability": controller.toggle_probability,
        "show_fov": controller.toggle_fov,
        "enhance": controller.enhancing.toggle,
        "enhancers": lambda: _none(models.show_enhancers()),
        "two_models": lambda: _none(prompts.compare_two_models()),
        "fit": canvas.fit,
        "actual_size": lambda: canvas.zoom_to(1.0),
        "zoom_in": lambda: canvas.zoom_by(ZOOM_STEP),
        "zoom_out": lambda: canvas.zoom_by(1 / ZOOM_STEP),
        "load_label": partial(prompts.load_label, 0),
        "load_second_label": partial(prompts.load_label, 1),
        "label_folder": partial(prompts.choose_label_folder, 0),
        "second_label_folder": partial(prompts.choose_label_folder, 1),
        "swap_labels": controller.comparison.swap_labels,
        "show_measures": partial(window.toggle_dock, "measure"),
        "export_measures": window.report_prompts.export_measures,
        "compare_groups": lambda: _none(window.report_prompts.compare_groups()),
        "mirror": controller.measuring.mirror,
        "colour_width": partial(_colour, window, "width"),
        "colour_tortuosity": partial(_colour, window, "tortuosity"),
        "propose_disc": partial(_propose_disc, window),
        "show_errors": controller.toggle_errors,
        "show_label": controller.toggle_label,
        "next_error": partial(controller.comparison.step_error, 1),
        "previous_error": partial(controller.comparison.step_error, -1),
        "reset_panels": window.reset_panels,
        "show_curves": partial(window.toggle_dock, "curves"),
        "show_evaluation": partial(window.toggle_dock, "evaluation"),
        "evaluate_all": partial(_evaluate_all, window),
        "export_evaluation": window.report_prompts.export_evaluation,
        "data_set": lambda: _none(training.open_data_set()),
        "add_to_data_set": training.add_to_data_set,
        "choose_data_set": training.choose_data_set,
        "new_training": lambda: _none(training.new_training()),
        "show_trainings": partial(window.toggle_dock, "trainings"),
        "compare_models": lambda: _none(training.compare_models()),
        "export_model": models.export_model,
        "edit_model": models.edit_model,
        "remove_model": models.remove_model,
        "full_screen": window.toggle_full_screen,
        "guide": window.show_guide,
        "shortcuts": lambda: ShortcutsDialog(window).open(),
        "show_log": window.show_log,
        "about": lambda: AboutDialog(window).open(),
    }
    handlers |= {f"lasso_{fill}": partial(controller.editing.set_lasso, fill) for fill in get_args(LassoFill)}
    tools = (name for name in get_args(ToolName) if name != "hand")
    handlers |= {name: partial(controller.editing.set_tool, name) for name in tools}
    handlers |= {f"region_{region}": partial(controller.set_region, region) for region in REGIONS}
    handlers |= {f"errors_{request}": partial(controller.set_error_filter, request) for request in ERROR_FILTERS}
    hows = ("best_f1", "youden", "expert")
    handlers |= {f"threshold_{how}": partial(controller.suggest_level, how) for how in hows}
    handlers |= {f"base_{base}": partial(controller.set_base, base) for base in BASES}
    themes: tuple[Theme, ...] = ("system", "light", "dark")
    handlers |= {f"theme_{theme}": partial(controller.set_theme, theme) for theme in themes}
    return handlers


def _write_note(window: "MainWindow") -> None:
    window.show_dock("files")
    window.files.marks.write_note()


def _colour(window: "MainWindow", colouring: Colouring) -> None:
    """Colours belong to the panel, which makes them; the same command again shows the mask."""
    on = window.state.measure_view.colouring != colouring
    if on:
        window.show_dock("measure")
    window.controller.measuring.colour(colouring if on else "")


def _propose_disc(window: "MainWindow") -> None:
    """In the panel, which says that it is a proposal and draws its zones."""
    window.show_dock("measure")
    window.controller.measuring.propose_disc()


def _evaluate_all(window: "MainWindow") -> None:
    window.show_dock("evaluation")
    folder = window.state.export_options.folder
    window.controller.evaluation.evaluate_all(Path(folder) if folder else None)


def _none(_opened: object) -> None:
    """A command gives nothing back."""
