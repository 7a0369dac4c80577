"""The status bar: which photograph, what is under the cursor, zoom, the models of the mask and of the next run, and the
device really used."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from core.files import display_path
from core.masks.edits import UNTOUCHED, VESSEL
from serr_gui.model.selectors import correction_at, probability_at
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import ElidedLabel


class PhotoStatusBar(QStatusBar):
    """Shows the state, and a pixel of the photograph while the cursor is on it."""

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._cursor: tuple[int, int] | None = None
        self._photo = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        self._pixel = QLabel()
        self._pixel.setAccessibleName(self.tr("Pixel under the cursor"))
        self._pixel.setToolTip(self.tr("Column, row, red, green and blue (0 to 255), and vessel probability (0 to 1)"))
        self._pixel.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self._zoom = QLabel()
        self._zoom.setToolTip(self.tr("Zoom: pixels of the screen for one pixel of the photograph"))
        self._model = ElidedLabel()  # its text grows with what is done: a window must not grow with it
        self._model.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addWidget(self._photo, 1)
        for label, stretch in ((self._pixel, 0), (self._zoom, 0), (self._model, 1)):
            label.setContentsMargins(6, 0, 6, 0)
            self.addPermanentWidget(label, stretch)
        metrics = self._zoom.fontMetrics()
        self._zoom.setMinimumWidth(metrics.horizontalAdvance("1000 %") + 14)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        events = state.events
        for event in (events.photos, events.current, events.opening, events.document):
            event.connect(self._show_photo)
        events.document.connect(self._show_pixel)
        for event in (events.document, events.model, events.models, events.device_used):
            event.connect(self._show_model)
        self._show_photo()
        self._show_model()

    def set_cursor(self, x: int, y: int) -> None:
        self._cursor = (x, y)
        self._show_pixel()

    def clear_cursor(self) -> None:
        self._cursor = None
        self._show_pixel()

    def set_zoom(self, zoom: float) -> None:
        percent = f"{zoom * 100:.0f} %" if zoom >= 0.1 else f"{zoom * 100:.1f} %"
        self._zoom.setText(percent if self._state.document else "")

    def _show_photo(self) -> None:
        state = self._state
        item = state.item
        if item is None:
            self._photo.set_full_text("")
            return
        parts = [f"{state.current + 1}/{len(state.photos)}", display_path(item.path.name)]
        if state.opening is not None:
            parts.append(self.tr("opening..."))
        if item.unsaved:
            parts.append(self.tr("not exported"))
        if state.opening is None and state.document is not None:  # last: a narrow window leaves it out
            height, width = state.document.image.shape
            parts.append(self.tr("{width} x {height} pixels").format(width=width, height=height))
        self._photo.set_full_text("   ".join(parts))

    def _show_pixel(self) -> None:
        document = self._state.document
        if document is None or self._cursor is None:
            self._pixel.setText("")
            return
        x, y = self._cursor
        height, width = document.image.shape
        if not (0 <= x < width and 0 <= y < height):
            self._pixel.setText("")
            return
        red, green, blue = (int(value) for value in document.image.rgb[y, x])
        text = f"x {x}  y {y}    R {red}  G {green}  B {blue}"
        if document.result is not None:
            probability = probability_at(document, x, y)
            text += "    " + (self.tr("outside the field of view") if probability is None else f"p {probability:.3f}")
            code = correction_at(document, x, y)
            if code != UNTOUCHED:
                text += "  " + (self.tr("by hand: vessel") if code == VESSEL else self.tr("by hand: background"))
        self._pixel.setText(text)

    def _show_model(self) -> None:
        state = self._state
        choice, result = state.model_choice, state.result
        chosen = choice.name if choice else self.tr("no model")
        parts = []
        if result is not None:
            text = self.tr("mask: {name}, corrected") if result.is_corrected else self.tr("mask: {name}")
            parts.append(text.format(name=result.model))
        if result is None or choice is None or result.model_path != choice.path:
            parts.append(self.tr("chosen: {name}").format(name=chosen) if result is not None else chosen)
        if state.device_used:
            parts.append(state.device_used)
        self._model.set_full_text("  |  ".join(parts))
