"""Two models on the photograph on the screen: their maps side by side, and where they differ."""

import math
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from serr_gui.canvas.difference import LEFT_COLOUR, RIGHT_COLOUR, SAME_COLOUR
from serr_gui.canvas.linked_views import LinkedViews
from serr_gui.canvas.overlays import OverlayStyle
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.model.state import AppState
from serr_gui.model.two_models import ModelMap, TwoModels
from serr_gui.widgets.controls import ElidedLabel, FittedLabel, listen, resize_on_screen

_WIDTH_PX: Final = 1200
_HEIGHT_PX: Final = 620
_CHIP_PX: Final = 11


class TwoModelsDialog(QDialog):
    """``compareRequested`` carries the files of the left and the right model."""

    compareRequested = Signal(Path, Path)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._shown: TwoModels | None = None
        self._style: OverlayStyle | None = None
        self.setWindowTitle(self.tr("Compare Models on This Photograph"))
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.left, self.difference, self.right = (PhotoView() for _ in range(3))
        self._titles = [ElidedLabel() for _ in range(3)]
        column = QVBoxLayout(self)
        column.addLayout(self._make_choices())
        column.addWidget(self._make_views(), 1)
        self.under_pointer = QLabel()
        self.under_pointer.setAccessibleName(self.tr("Probabilities under the pointer"))
        under = QHBoxLayout()
        under.addWidget(self.under_pointer, 1)
        under.addLayout(self._make_legend())
        column.addLayout(under)
        self.verdict = FittedLabel(prominent=True)
        column.addWidget(self.verdict)
        column.addWidget(self._make_buttons())
        linked = LinkedViews((self.left, self.difference, self.right), self)
        linked.cursorMoved.connect(self._show_pixel)
        linked.cursorLeft.connect(self._show_no_pixel)
        for event in (state.events.two_models, state.events.document, state.events.task, state.events.view):
            listen(self, event, self._show)
        self._show()
        self._show_no_pixel()
        resize_on_screen(self, _WIDTH_PX, _HEIGHT_PX)

    # Making

    def _make_choices(self) -> QHBoxLayout:
        self.models = (QComboBox(), QComboBox())
        paths = [choice.path for choice in self._state.models]
        result = self._state.result
        first = result.model_path if result is not None else self._state.model
        left = paths.index(first) if first in paths else 0
        names = (self.tr("Left model"), self.tr("Right model"))
        for box, name in zip(self.models, names, strict=True):
            box.setAccessibleName(name)
            for choice in self._state.models:
                box.addItem(choice.name, choice.path)
            box.activated.connect(self._show)
        self.models[0].setCurrentIndex(left)
        self.models[1].setCurrentIndex(1 if left == 0 else 0)
        self.as_mask = QRadioButton(self.tr("&Vessels"))
        self.as_mask.setToolTip(self.tr("What is above each model's own threshold"))
        self.as_probability = QRadioButton(self.tr("&Probability"))
        self.as_mask.setChecked(True)
        self.as_mask.toggled.connect(self._show)
        row = QHBoxLayout()
        for text, box in ((self.tr("&Left"), self.models[0]), (self.tr("&Right"), self.models[1])):
            caption = QLabel(text)
            caption.setBuddy(box)
            row.addWidget(caption)
            row.addWidget(box)
            row.addSpacing(12)
        row.addStretch(1)
        row.addWidget(self.as_mask)
        row.addWidget(self.as_probability)
        return row

    def _make_views(self) -> QSplitter:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        names = (self.tr("Left model"), self.tr("Difference"), self.tr("Right model"))
        for view, title, name in zip((self.left, self.difference, self.right), self._titles, names, strict=True):
            view.setAccessibleName(name)
            place = QWidget()
            column = QVBoxLayout(place)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(title)
            column.addWidget(view, 1)
            split.addWidget(place)
        split.setSizes([400, 400, 400])
        return split

    def _make_legend(self) -> QHBoxLayout:
        """What the colours of the difference mean."""
        row = QHBoxLayout()
        meanings = (
            (LEFT_COLOUR, self.tr("left gives more")),
            (RIGHT_COLOUR, self.tr("right gives more")),
            (SAME_COLOUR, self.tr("both the same")),
        )
        for colour, text in meanings:
            chip, patch = QLabel(), QPixmap(_CHIP_PX, _CHIP_PX)
            patch.fill(QColor(*colour))
            chip.setPixmap(patch)
            chip.setFrameShape(QFrame.Shape.Box)
            row.addWidget(chip)
            row.addWidget(QLabel(text))
        return row

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        self.run = QPushButton(self.tr("&Compare"))
        box.addButton(self.run, QDialogButtonBox.ButtonRole.ApplyRole)
        close = box.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self.run.clicked.connect(self._on_run)
        close.clicked.connect(self.reject)
        self.run.setDefault(True)
        return box

    # Requests

    def _on_run(self) -> None:
        left, right = (box.currentData() for box in self.models)
        if left is not None and right is not None:
            self.compareRequested.emit(left, right)

    # Showing

    def _show(self) -> None:
        document, busy = self._state.document, self._state.task is not None
        chosen = tuple(box.currentData() for box in self.models)
        two = self._state.two_models
        if two is not None and (document is None or two.image is not document.image or two.fov is not document.fov):
            two = None  # of another photograph, or in another field of view
        if two is not None and chosen != (two.left.path, two.right.path):
            two = None
        usable = document is not None and document.fov is not None and chosen[0] != chosen[1]
        self.run.setEnabled(usable and not busy)
        if two is not self._shown:
            self._shown = two
            for view in (self.left, self.right):
                view.set_photo(two.image.rgb if two is not None else None)
            self.difference.set_photo(two.difference if two is not None else None)
            self._style = None
            self._show_no_pixel()
        for view in (self.left, self.difference, self.right):
            view.set_hint(self._hint(busy=busy))
        if two is None:
            self.verdict.setText("")
            for title in self._titles:
                title.set_full_text("")
            return
        self._show_maps(two)

    def _hint(self, *, busy: bool) -> str:
        document = self._state.document
        if document is None or document.fov is None:
            return self.tr("There is no photograph with a field of view on the screen.")
        if self.models[0].currentData() == self.models[1].currentData():
            return self.tr("Choose two different models.")
        if busy:
            return self.tr("At work; the strip below the photograph shows how far it is.")
        return self.tr("Press Compare.")

    def _show_maps(self, two: TwoModels) -> None:
        options = self._state.view
        style = OverlayStyle(
            show_probability=self.as_probability.isChecked(),
            probability_opacity=options.probability_opacity,
            colormap=options.colormap,
            show_mask=self.as_mask.isChecked(),
            mask_opacity=options.mask_opacity,
            mask_colour=options.mask_colour,
        )
        if style == self._style:
            return  # a step of other work, which would paint large maps again
        self._style = style
        for view, each in ((self.left, two.left), (self.right, two.right)):
            view.set_levels(each.probability.levels)
            view.set_threshold_level(each.rule.level)
            view.set_fov(two.fov.inside)
            view.set_overlay_style(style)
        at = self.tr("{name}, threshold {level}/256")
        for title, each in ((self._titles[0], two.left), (self._titles[2], two.right)):
            title.set_full_text(at.format(name=each.name, level=each.rule.level))
        self._titles[1].set_full_text(self.tr("Difference of the probabilities"))
        self.verdict.setText(self._verdict(two))

    def _verdict(self, two: TwoModels) -> str:
        """How far the two agree."""
        agreed = two.agreement
        text = self.tr(
            "{name}: vessels are {left_share} of the field of view for the left model, {right_share} for the right; "
            "{alike} of it are judged alike (Dice of the two {dice}). No label takes part: this does not say which "
            "model is right."
        )
        return text.format(
            name=display_path(two.photo.name),
            left_share=f"{agreed.left_share * 100:.1f} %",
            right_share=f"{agreed.right_share * 100:.1f} %",
            alike=f"{agreed.alike * 100:.1f} %",
            dice=self.tr("undefined: neither finds a vessel") if math.isnan(agreed.dice) else f"{agreed.dice:.3f}",
        )

    def _show_pixel(self, column: int, row: int) -> None:
        two = self._shown
        if two is None:
            return
        place = self.tr("x {x}, y {y}").format(x=column, y=row)
        if not two.fov.inside[row, column]:
            self.under_pointer.setText(f"{place}    {self.tr('outside of the field of view')}")
            return
        left, right = (_probability(each, column, row) for each in (two.left, two.right))
        text = self.tr("left {left}    right {right}    difference {difference}")
        said = text.format(left=f"{left:.3f}", right=f"{right:.3f}", difference=f"{right - left:+.3f}")
        self.under_pointer.setText(f"{place}    {said}")

    def _show_no_pixel(self) -> None:
        self.under_pointer.setText(self.tr("Point at a place to see both probabilities there."))


def _probability(each: ModelMap, column: int, row: int) -> float:
    return float(each.probability.values[row, column])
