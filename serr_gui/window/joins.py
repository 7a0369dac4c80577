"""What panels with many requests ask for, joined to who does it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from core.session.records import ViewRecord
from serr_gui.system.desktop import open_outside

if TYPE_CHECKING:
    from serr_gui.window.main_window import MainWindow


def join_list(window: "MainWindow") -> None:
    """The list of photographs."""
    files, controller, prompts = window.files, window.controller, window.prompts
    files.selectRequested.connect(controller.photos.select)
    files.thumbnailsRequested.connect(controller.photos.request_thumbnails)
    files.segmentRequested.connect(controller.segment_paths)
    files.exportRequested.connect(prompts.export_paths)
    files.removeRequested.connect(prompts.remove_photos)
    files.folderRequested.connect(open_outside)
    files.filterRequested.connect(controller.photos.filter_list)
    files.orderRequested.connect(controller.photos.sort_list)
    files.showRequested.connect(controller.photos.show_in_list)
    files.doneRequested.connect(controller.annotating.set_done)
    files.doubtfulRequested.connect(controller.annotating.set_doubtful)
    files.marks.noteRequested.connect(controller.annotating.set_note)


def join_segmentation(window: "MainWindow") -> None:
    """The panels in which a result is made, looked at and corrected."""
    controller, panel = window.controller, window.segmentation
    panel.modelRequested.connect(controller.models.set_model)
    panel.deviceRequested.connect(controller.models.set_device)
    panel.runRequested.connect(controller.set_run)
    panel.fovRequested.connect(controller.photos.set_fov)
    panel.fovFileRequested.connect(window.prompts.choose_fov_file)
    panel.fovDrawRequested.connect(window.commands["fov_circle"].trigger)
    panel.levelRequested.connect(controller.set_level)
    panel.styles.styleRequested.connect(controller.draw_like)
    panel.refinement.lowRequested.connect(controller.shaping.set_low)
    panel.refinement.leastRequested.connect(controller.shaping.set_min_pixels)
    window.display.viewRequested.connect(controller.set_view)
    window.editing.sizeRequested.connect(controller.editing.set_size)
    window.editing.widthRequested.connect(controller.editing.set_width)


def join_enhancing(window: "MainWindow") -> None:
    """Enhanced pictures on the canvas, and what is said about them."""
    window.enhanced.modelRequested.connect(window.controller.enhancing.choose)
    window.enhanced.aboutRequested.connect(window.prompts.show_card)
    window.controller.enhancing.thereAlready.connect(window.report_prompts.ask_to_replace_enhanced)
    window.state.events.enhancing.connect(window.show_picture)


def join_comparison(window: "MainWindow") -> None:
    """The panels that compare a result with experts' labels."""
    controller, labels, comparison = window.controller, window.labels, window.controller.comparison
    labels.loadRequested.connect(window.prompts.load_label)
    labels.acceptRequested.connect(lambda expert, invert: comparison.accept_label(expert, invert=invert))
    labels.removeRequested.connect(comparison.remove_label)
    labels.findRequested.connect(comparison.find_label)
    labels.readingRequested.connect(comparison.read_label_as)
    labels.useAsFovRequested.connect(controller.use_label_as_fov)
    labels.fovRequested.connect(controller.photos.set_fov)
    labels.fovFileRequested.connect(window.prompts.choose_fov_file)
    labels.dropped.connect(controller.take_file)
    window.scores.regionRequested.connect(controller.set_region)
    window.errors.viewRequested.connect(controller.set_view)
    window.errors.requestChosen.connect(controller.set_error_filter)


def join_sessions(window: "MainWindow") -> None:
    """Sessions remember where a photograph was looked at."""
    canvas = window.canvas

    def view_now() -> ViewRecord | None:
        middle = canvas.image_point(QPointF(canvas.rect().center()))
        return None if canvas.is_fitted else ViewRecord(canvas.zoom, middle.x(), middle.y())

    def look(view: ViewRecord) -> None:
        canvas.zoom_to(view.zoom)
        canvas.centre_on(view.x, view.y)

    window.prompts.view_now = view_now
    window.controller.sessions.viewAsked.connect(look)


def join_others(window: "MainWindow") -> None:
    """What brings a panel to the front, or shows on the canvas what it is about."""
    controller, events = window.controller, window.state.events
    controller.training.foundRunning.connect(window.show_trainings)
    controller.batch.shown.connect(lambda: window.show_dock("batches"))
    window.canvas.clicked.connect(controller.measuring.click)
    for event in (events.measured, events.measure_view, events.photos):
        event.connect(window.show_picture)
