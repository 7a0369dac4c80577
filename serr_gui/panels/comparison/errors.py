"""The error map: whether it is shown, in which colours, what they mean, and stepping from error to error."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QCoreApplication, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.evaluation.error_map import MOST_ERRORS
from serr_gui.actions.compare_menu import ERROR_FILTERS
from serr_gui.actions.qactions import Actions, shortcut_text
from serr_gui.canvas.overlays import ERROR_COLOURS, error_colours
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.score_selectors import error_list, error_search, model_counts
from serr_gui.model.selectors import marked_error
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import OpacitySlider, faded, heading, swatch

_PRESETS: Final = {
    "white_blue_black": QT_TRANSLATE_NOOP("Errors", "White, blue, black"),
    "black_blue_yellow": QT_TRANSLATE_NOOP("Errors", "Black, blue, yellow"),
    "white_magenta_cyan": QT_TRANSLATE_NOOP("Errors", "White, magenta, cyan (as in reports)"),
    "green_blue_red": QT_TRANSLATE_NOOP("Errors", "Green, blue, red (not for red-green blindness)"),
}


class ErrorsPanel(QWidget):
    """``viewRequested`` carries the requested ``ViewOptions``; ``requestChosen`` which errors to step through."""

    viewRequested = Signal(object)
    requestChosen = Signal(str)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._show = QCheckBox(self.tr("Show ({key})").format(key=shortcut_text(actions["show_errors"])))
        self._show.setAccessibleName(self.tr("Show the error map"))
        self._show.setToolTip(actions["show_errors"].toolTip())
        self._show.clicked.connect(lambda on: self._request(show_errors=on))
        self._opacity = OpacitySlider(self.tr("Opacity of the error map"))
        self._opacity.opacityRequested.connect(lambda opacity: self._request(error_opacity=opacity))
        self._colours = QComboBox()
        self._colours.setAccessibleName(self.tr("Colours of the error map"))
        self._colours.setIconSize(QSize(42, 14))
        self._colours.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._colours.setMinimumContentsLength(10)
        for name in ERROR_COLOURS:
            self._colours.addItem(_three(name), QCoreApplication.translate("Errors", _PRESETS[name]))
        self._colours.activated.connect(lambda index: self._request(error_colours=ERROR_COLOURS[index]))
        first = QHBoxLayout()
        first.setSpacing(10)
        first.addWidget(self._show)
        first.addWidget(self._opacity, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 10)
        column.setSpacing(6)
        column.addWidget(heading(self.tr("Error map")))
        column.addLayout(first)
        column.addWidget(self._colours)
        column.addLayout(self._make_legend())
        column.addLayout(self._make_steps(actions))
        self._borders = QCheckBox(self.tr("Leave out borders of vessels"))
        self._borders.clicked.connect(lambda on: self._request(skip_borders=on))
        column.addWidget(self._borders)
        self._place = faded()
        column.addWidget(self._place)
        column.addStretch(1)
        events = state.events
        events.view.connect(self._show_view)
        for event in (events.document, events.rule, events.comparison, events.view):
            event.connect(self._show_counts)
        for event in (events.document, events.rule, events.comparison, events.errors, events.error_at, events.view):
            event.connect(self._show_place)
        self._show_view()
        self._show_counts()
        self._show_place()

    def _make_legend(self) -> QGridLayout:
        meanings = (
            (self.tr("Missed"), self.tr("False negative: the expert drew it, the mask does not have it")),
            (self.tr("False"), self.tr("False positive: the mask has it, the expert did not draw it")),
            (self.tr("Right"), self.tr("True positive: both have it")),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(5)
        grid.setVerticalSpacing(1)
        self._chips: list[QLabel] = []
        self._numbers: list[QLabel] = []
        for column, (name, meaning) in enumerate(meanings):
            chip, caption, number = QLabel(), QLabel(name), faded()
            number.setWordWrap(False)
            for label in (chip, caption, number):
                label.setToolTip(meaning)
            self._chips.append(chip)
            self._numbers.append(number)
            grid.addWidget(chip, 0, 2 * column)
            grid.addWidget(caption, 0, 2 * column + 1)
            grid.addWidget(number, 1, 2 * column, 1, 2)
            grid.setColumnStretch(2 * column + 1, 1)
        return grid

    def _make_steps(self, actions: Actions) -> QHBoxLayout:
        self._which = QComboBox()
        self._which.setAccessibleName(self.tr("Errors to step through"))
        for request in ERROR_FILTERS:
            self._which.addItem(actions[f"errors_{request}"].text().replace("&", ""))
        self._which.activated.connect(lambda index: self.requestChosen.emit(ERROR_FILTERS[index]))
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._which, 1)
        for key in ("previous_error", "next_error"):
            button = QToolButton()
            button.setDefaultAction(actions[key])
            button.setAccessibleName(actions[key].iconText())
            button.setIconSize(QSize(18, 18))
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            row.addWidget(button)
        return row

    def _show_view(self) -> None:
        view = self._state.view
        self._show.setChecked(view.show_errors)
        self._opacity.set_opacity(view.error_opacity)
        with QSignalBlocker(self._colours), QSignalBlocker(self._which):
            self._colours.setCurrentIndex(ERROR_COLOURS.index(view.error_colours))
            self._which.setCurrentIndex(ERROR_FILTERS.index(view.error_filter))
        for chip, colour in zip(self._chips, error_colours(view.error_colours), strict=True):
            chip.setPixmap(swatch(colour, QSize(22, 14)).pixmap(22, 14))

        border = error_search(self._state).border_px or 1
        self._borders.setChecked(view.skip_borders)
        self._borders.setToolTip(
            self.tr("Steps pass over errors within %n pixel(s) of a vessel that both have drawn", "", border)
        )

    def _show_counts(self) -> None:
        counts = model_counts(self._state)
        numbers = (counts.fn, counts.fp, counts.tp) if counts is not None else (None, None, None)
        for label, number in zip(self._numbers, numbers, strict=True):
            text = "" if number is None else self.tr("{number} px").format(number=f"{number:,}".replace(",", "\u2009"))
            if label.text() != text:
                label.setText(text)

    def _show_place(self) -> None:
        found, error = error_list(self._state), marked_error(self._state)
        if found is not None and not found.regions:
            text = self.tr("There are none at this threshold.")
        elif found is not None and error is not None:
            kinds = {"false_negative": self.tr("missed"), "false_positive": self.tr("false")}
            many = len(found.regions) >= MOST_ERRORS
            text = self.tr("{number} of {count} or more: {kind}, {area} pixels") if many else ""
            text = (text or self.tr("{number} of {count}: {kind}, {area} pixels")).format(
                number=self._state.error_at + 1, count=len(found.regions), kind=kinds[error.kind], area=error.area_px
            )
        else:
            text = ""
        if self._place.text() != text:
            self._place.setText(text)
        self._place.setVisible(bool(text))

    def _request(self, **changes: object) -> None:
        self.viewRequested.emit(replace(self._state.view, **changes))  # type: ignore[arg-type]
        self._show_view()


def _three(name: str) -> QIcon:
    """A preset's colours side by side: right, missed, false, as its name says them."""
    missed, false, right = error_colours(name)
    picture = QPixmap(42, 14)
    painter = QPainter(picture)
    for number, colour in enumerate((right, missed, false)):
        painter.fillRect(number * 14, 0, 14, 14, QColor(*colour))
    painter.setPen(QColor(0, 0, 0, 120))
    painter.drawRect(picture.rect().adjusted(0, 0, -1, -1))
    painter.end()
    return QIcon(picture)
