"""What a person says for the measures of a photograph: pixel size and optic disc; and what clicks and colours mean."""

from PySide6.QtCore import QCoreApplication, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.measures.pixels import DISC_LIMITS_MM, DISC_MM
from core.measures.summary import PixelSize
from serr_gui.actions.qactions import Actions
from serr_gui.model.measuring import ClickFor, Colouring
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import DecimalBox, FittedLabel, chooser, left_form


class MeasureBar(QWidget):
    """What clicks and colours mean; the ruler, and the table."""

    colourRequested = Signal(str)
    clickRequested = Signal(str)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self._make_choices(row)
        self._buttons = QWidget()
        buttons = _buttons(actions, "mirror", "ruler", "export_measures")
        buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setLayout(buttons)
        self._more = _menu_button(actions, "mirror", "ruler", "export_measures")
        self._more.hide()
        row.addWidget(self._buttons)
        row.addWidget(self._more)
        row.addStretch(1)
        state.events.measure_view.connect(self.show_view)
        self.show_view()

    def _make_choices(self, row: QHBoxLayout) -> None:
        self.colouring = chooser(
            self.tr("Colour of the vessels"), self.tr("Paint each vessel in the colour of its width or tortuosity")
        )
        colours: tuple[tuple[str, Colouring], ...] = (
            (self.tr("Mask"), ""),
            (self.tr("By width"), "width"),
            (self.tr("By tortuosity"), "tortuosity"),
        )
        for text, colouring in colours:
            self.colouring.addItem(text, colouring)
        self.colouring.activated.connect(lambda _: self.colourRequested.emit(self.colouring.currentData()))
        row.addWidget(QLabel(self.tr("Colour")))
        row.addWidget(self.colouring)
        self.click = chooser(
            self.tr("What a click on a vessel does"),
            self.tr("With the hand, click a vessel in the photograph to choose it, or to mark it for calibres"),
            letters=17,
        )
        clicks: tuple[tuple[str, ClickFor], ...] = (
            (self.tr("Choose the vessel"), "select"),
            (self.tr("Mark as arteriole"), "arteriole"),
            (self.tr("Mark as venule"), "venule"),
            (self.tr("Mark as crossing"), "crossing"),
            (self.tr("Take the mark away"), "unmark"),
        )
        for text, click in clicks:
            self.click.addItem(text, click)
        self.click.activated.connect(lambda _: self.clickRequested.emit(self.click.currentData()))
        row.addWidget(QLabel(self.tr("Click")))
        row.addWidget(self.click)

    def set_narrow(self, narrow: bool) -> None:
        """Where there is little room, the buttons are a menu, and what is chosen may be cut off."""
        self._buttons.setVisible(not narrow)
        self._more.setVisible(narrow)
        for box in (self.colouring, self.click):
            box.setMinimumContentsLength(6 if narrow else (10 if box is self.colouring else 17))
            box.setMinimumWidth(76 if narrow else 0)

    def show_view(self) -> None:
        """Bring the choices to what the state says."""
        view = self._state.measure_view
        self.colouring.setCurrentIndex(self.colouring.findData(view.colouring))
        self.click.setCurrentIndex(self.click.findData(view.click))


class MeasureSetupForm(QWidget):
    """``pixelRequested`` carries a ``PixelSize`` or None, and whether it is meant for all photographs.

    ``assumedRequested`` : the same with the diameter of the disc in millimetres from which the size is to follow.
    ``despiteRequested`` : whether what a doubt about the photograph makes meaningless is to have a number.
    """

    pixelRequested = Signal(object, bool)
    assumedRequested = Signal(object, bool)
    discRemoveRequested = Signal()
    despiteRequested = Signal(bool)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 4)
        column.setSpacing(6)
        form = left_form()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._make_pixel(form)
        self._make_disc(form, actions)
        self.despite = QCheckBox(self.tr("Numbers despite doubts"))
        self.despite.setToolTip(
            self.tr("Where a doubt makes a measure meaningless, the table has a dash with the doubt as its reason")
        )
        self.despite.clicked.connect(self.despiteRequested)
        column.addLayout(form)
        column.addWidget(self.despite)
        self._about = FittedLabel()
        column.addWidget(self._about)
        column.addStretch(1)
        for event in (state.events.photos, state.events.current, state.events.document, state.events.editing):
            event.connect(self.show_setup)
        self.show_setup()

    def _make_pixel(self, form: QFormLayout) -> None:
        self.pixel_um = DecimalBox()
        self.pixel_um.setAccessibleName(self.tr("Size of a pixel on the retina in micrometres"))
        self.pixel_um.setToolTip(self.tr("0: not known, all lengths are in pixels"))
        self.pixel_um.setRange(0.0, 1000.0)
        self.pixel_um.setDecimals(3)
        self.pixel_um.setSingleStep(0.1)
        self.pixel_um.setSpecialValueText(self.tr("not known"))
        self.pixel_um.setSuffix(self.tr(" \u00b5m"))
        self.pixel_um.setKeyboardTracking(False)
        self.source = QLineEdit()
        self.source.setAccessibleName(self.tr("Where the size of a pixel is known from"))
        self.source.setPlaceholderText(self.tr("Source, such as the data sheet"))
        self.source.setToolTip(self.tr("It is written into the table: a wrong size makes every length wrong"))
        self.everywhere = QToolButton()
        self.everywhere.setText(self.tr("For all"))
        self.everywhere.setToolTip(self.tr("Use this size for all photographs of the list"))
        self.everywhere.clicked.connect(lambda: self._on_pixel(everywhere=True))
        self.pixel_um.valueChanged.connect(lambda _: self._on_pixel())
        self.source.editingFinished.connect(self._on_pixel)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.pixel_um, 1)
        row.addWidget(self.everywhere)
        form.addRow(self.tr("Size of a pixel"), row)
        form.addRow(self.tr("Known from"), self.source)
        self.assumed = QCheckBox(self.tr("From the disc, if it is"))
        self.assumed.setToolTip(
            self.tr("An assumption: discs differ by a tenth and more between people, and all lengths with them")
        )
        self.disc_mm = DecimalBox()
        self.disc_mm.setAccessibleName(self.tr("Diameter of the optic disc that is assumed, in millimetres"))
        self.disc_mm.setRange(*DISC_LIMITS_MM)
        self.disc_mm.setDecimals(2)
        self.disc_mm.setSingleStep(0.05)
        self.disc_mm.setSuffix(self.tr(" mm wide"))
        self.disc_mm.setKeyboardTracking(False)
        self.disc_mm.setValue(DISC_MM)
        self.assumed.clicked.connect(self._on_assumed)
        self.disc_mm.valueChanged.connect(lambda _: self._on_assumed() if self.assumed.isChecked() else None)
        both = QHBoxLayout()
        both.setSpacing(4)
        both.addWidget(self.assumed)
        both.addWidget(self.disc_mm)
        both.addStretch(1)
        form.addRow("", both)

    def _make_disc(self, form: QFormLayout, actions: Actions) -> None:
        row = _buttons(actions, "propose_disc", "disc_circle", "disc_ellipse")
        self.remove_disc = QToolButton()
        self.remove_disc.setText(self.tr("Remove"))
        self.remove_disc.setToolTip(self.tr("Forget where the optic disc is"))
        self.remove_disc.clicked.connect(self.discRemoveRequested)
        row.insertWidget(3, self.remove_disc)
        form.addRow(self.tr("Optic disc"), row)

    def _on_assumed(self, *, everywhere: bool = False) -> None:
        self.assumedRequested.emit(self.disc_mm.value() if self.assumed.isChecked() else None, everywhere)

    def _on_pixel(self, *, everywhere: bool = False) -> None:
        if everywhere and self.assumed.isChecked():
            self._on_assumed(everywhere=True)
            return
        um, source = self.pixel_um.value(), self.source.text().strip()
        if um > 0 and source:
            self.pixelRequested.emit(PixelSize(um, source), everywhere)
        elif um == 0:
            self.pixelRequested.emit(None, everywhere)
        self._show_about()

    def show_setup(self) -> None:
        """Bring the controls to what the state says."""
        state = self._state
        item = state.item
        self.setEnabled(state.document is not None)
        setup = item.measuring if item is not None else None
        pixel = setup.pixel_used if setup is not None else None
        mm = setup.disc_mm if setup is not None else None
        path = item.path if item is not None else None
        if (path, pixel, mm) != getattr(self, "_shown", ()):  # what is being typed stays
            self._shown = (path, pixel, mm)
            with QSignalBlocker(self.pixel_um), QSignalBlocker(self.source), QSignalBlocker(self.disc_mm):
                self.pixel_um.setValue(pixel.um if pixel is not None else 0.0)
                self.source.setText(pixel.source if pixel is not None else "")
                self.assumed.setChecked(mm is not None)
                self.disc_mm.setValue(mm if mm is not None else DISC_MM)
            for given in (self.pixel_um, self.source):
                given.setEnabled(mm is None)
        self.remove_disc.setEnabled(setup is not None and setup.disc is not None)
        result = state.result
        self.despite.setVisible(result is not None and bool(result.segmentation.doubts))
        self.despite.setChecked(setup is not None and setup.despite_doubts)
        self._show_about()

    def _show_about(self) -> None:
        item = self._state.item
        sentences = []
        if self.pixel_um.isEnabled() and self.pixel_um.value() > 0 and not self.source.text().strip():
            sentences.append(self.tr("Say where the size of a pixel is known from: until then lengths are in pixels."))
        if item is not None and item.measuring.disc is None and item.measuring.disc_mm is not None:
            sentences.append(self.tr("Place the optic disc: until then lengths are in pixels."))
        if item is not None and item.measuring.disc is not None:
            disc = item.measuring.disc
            text = self.tr("Disc: radius {radius:.0f} px.").format(radius=disc.radius_px)
            if disc.across_px is not None:
                text = self.tr("Disc: half axes {first:.0f} and {second:.0f} px.")
                text = text.format(first=disc.radius_px, second=disc.across_px)
            sentences.append(f"{text} {item.measuring.disc_doubt}".strip())
        hows = {
            "disc_circle": self.tr("Drag the middle of the circle to move it, its edge to size it."),
            "disc_ellipse": self.tr("Drag the middle to move it, the ends of its axes to stretch and turn it."),
        }
        sentences.append(hows.get(self._state.editing.tool, ""))
        self._about.setText(" ".join(filter(None, sentences)))


def _menu_button(actions: Actions, *keys: str) -> QToolButton:
    """A small button that opens a menu."""
    button = QToolButton()
    button.setText("\u22ef")
    button.setAccessibleName(QCoreApplication.translate("MeasureBar", "More for measures"))
    button.setToolTip(QCoreApplication.translate("MeasureBar", "Flips, ruler and export"))
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    menu = QMenu(button)
    for key in keys:
        menu.addAction(actions[key])
    button.setMenu(menu)
    return button


def _buttons(actions: Actions, *keys: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for key in keys:
        button = QToolButton()
        button.setDefaultAction(actions[key])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        row.addWidget(button)
    row.addStretch(1)
    return row
