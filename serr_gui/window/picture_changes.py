"""From one picture of the state to the next: the canvas gets what differs, and nothing else."""

from serr_gui.canvas.photo_view import PhotoView
from serr_gui.model.comparison import ErrorLayer
from serr_gui.model.selectors import CanvasPicture


def show_on(canvas: PhotoView, old: CanvasPicture | None, new: CanvasPicture) -> None:
    """Show what is new of a picture. ``old`` : what is shown of the same photograph; None: its pixels alone."""
    if old is None:
        canvas.set_prepared(new.prepared)
    if old is None or new.base is not old.base:
        canvas.set_base(new.base)
    if old is None or new.wipe is not old.wipe:
        canvas.set_wipe(new.wipe)
    if old is None or new.fov is not old.fov:
        canvas.set_fov(new.fov)
    if old is None or new.level != old.level:
        canvas.set_threshold_level(new.level)
    if old is None or new.style != old.style:
        canvas.set_overlay_style(new.style)
    if old is None or new.tone != old.tone:
        canvas.set_tone(new.tone)
    if old is None or new.levels is not old.levels:
        canvas.set_levels(new.levels)
    if old is None or new.error_layer is not old.error_layer:
        _show_errors(canvas, new.error_layer)
    if old is None and new.prepared is not None:
        new.prepared.forget()  # corrections change the levels in place
        canvas.set_prepared(None)
    canvas.set_error_style(new.error_style)
    _show_layers(canvas, old, new)
    if new.marked is not None and (old is None or new.marked is not old.marked):
        canvas.look_at(new.marked.box, new.marked.centre)
    canvas.set_marked(new.marked.box if new.marked else None)


def _show_layers(canvas: PhotoView, old: CanvasPicture | None, new: CanvasPicture) -> None:
    if old is None or new.edits is not old.edits:
        canvas.set_edits(new.edits)
    if old is None or new.questionable is not old.questionable:
        canvas.set_questionable(new.questionable)
    if old is None or new.classes is not old.classes:
        canvas.set_vessel_classes(new.classes)
    if old is None or new.vessel_marks is not old.vessel_marks:
        canvas.set_vessel_marks(new.vessel_marks)
    canvas.show_layers(edits=new.shows_edits, questionable=new.shows_questionable)


def _show_errors(canvas: PhotoView, layer: ErrorLayer | None) -> None:
    if layer is None:
        canvas.set_errors(None, None)
    else:
        canvas.set_errors(layer.levels, layer.drawn, layer.region)
