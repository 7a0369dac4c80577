"""What is shown over the photograph and how."""

from dataclasses import replace
from functools import partial
from math import log
from typing import Final

from PySide6.QtCore import QCoreApplication, QSignalBlocker, QSize, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from serr_gui.actions.qactions import Actions, shortcut_text
from serr_gui.canvas.overlays import COLORMAPS
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.state import BASES, AppState, Base, Colour, ViewOptions
from serr_gui.widgets.controls import (
    ColourBar,
    OpacitySlider,
    ToneSlider,
    faded,
    heading,
    left_form,
    ramp_image,
    swatch,
)

# All are seen on the orange of a retina with any kind of colour vision, by lightness if not by hue.
MASK_COLOURS: Final[tuple[tuple[str, Colour], ...]] = (
    (QT_TRANSLATE_NOOP("Display", "Cyan"), (0, 229, 255)),
    (QT_TRANSLATE_NOOP("Display", "White"), (255, 255, 255)),
    (QT_TRANSLATE_NOOP("Display", "Yellow"), (255, 235, 59)),
    (QT_TRANSLATE_NOOP("Display", "Blue"), (41, 98, 255)),
    (QT_TRANSLATE_NOOP("Display", "Black"), (0, 0, 0)),
)


class DisplayPanel(QWidget):
    """Base picture, mask, probability map and outline. ``viewRequested`` carries the requested ``ViewOptions``."""

    viewRequested = Signal(object)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addWidget(heading(self.tr("Photograph")))
        column.addLayout(self._make_bases(actions))
        column.addLayout(self._make_tone())
        column.addSpacing(6)
        column.addWidget(heading(self.tr("Vessel mask")))
        column.addLayout(self._make_mask(actions))
        column.addSpacing(6)
        column.addWidget(heading(self.tr("Probability map")))
        column.addLayout(self._make_probability(actions))
        column.addSpacing(6)
        self._fov = QCheckBox(_with_key(self.tr("Field of view outline"), actions, "show_fov"))
        self._fov.setToolTip(actions["show_fov"].toolTip())
        self._fov.clicked.connect(lambda on: self._request(show_fov=on))
        column.addWidget(self._fov)
        column.addWidget(faded(self.tr("Hold H to hide everything over the photograph.")))
        column.addStretch(1)
        state.events.view.connect(self._show_view)
        state.events.rule.connect(self._show_rule)
        self._show_view()

    def _make_bases(self, actions: Actions) -> QGridLayout:
        texts: dict[Base, str] = {
            "colour": self.tr("Colour"),
            "red": self.tr("Red"),
            "green": self.tr("Green"),
            "blue": self.tr("Blue"),
            "enhanced": self.tr("Contrast-enhanced green"),
            "enhanced_colour": self.tr("Contrast-enhanced colour"),
        }
        grid = QGridLayout()
        grid.setVerticalSpacing(4)
        self._bases: dict[Base, QRadioButton] = {}
        # Row, column, columns taken.
        places: dict[Base, tuple[int, int, int]] = {
            "colour": (0, 0, 3),
            "red": (1, 0, 1),
            "green": (1, 1, 1),
            "blue": (1, 2, 1),
            "enhanced": (2, 0, 3),
            "enhanced_colour": (3, 0, 3),
        }
        for base in BASES:
            button = QRadioButton(_with_key(texts[base], actions, f"base_{base}"))
            button.setToolTip(actions[f"base_{base}"].toolTip())
            button.clicked.connect(partial(self._on_base_clicked, base))
            self._bases[base] = button
            row, column, columns = places[base]
            grid.addWidget(button, row, column, 1, columns)
        grid.setColumnStretch(2, 1)
        return grid

    def _make_tone(self) -> QFormLayout:
        """Sliders whose middle changes nothing; gamma goes by doublings."""
        self._brightness = ToneSlider(self.tr("Brightness of the view"))
        self._contrast = ToneSlider(self.tr("Contrast of the view"))
        self._gamma = ToneSlider(self.tr("Gamma of the view: brightens or darkens the middle tones"))
        self._brightness.shareRequested.connect(lambda share: self._request(brightness=share))
        self._contrast.shareRequested.connect(lambda share: self._request(contrast=share))
        self._gamma.shareRequested.connect(lambda share: self._request(gamma=4.0**share))
        self._plain = QPushButton(self.tr("Reset"))
        self._plain.setToolTip(self.tr("Show the photograph as it is"))
        self._plain.setAccessibleName(self.tr("Reset brightness, contrast and gamma"))
        self._plain.clicked.connect(lambda: self._request(brightness=0.0, contrast=0.0, gamma=1.0))
        form = left_form()
        form.addRow(self.tr("Brightness"), self._brightness)
        form.addRow(self.tr("Contrast"), self._contrast)
        form.addRow(self.tr("Gamma"), self._gamma)
        form.addRow(faded(self.tr("These change the view only, never what is segmented or exported.")))
        form.addRow(self._plain)
        return form

    def _make_mask(self, actions: Actions) -> QFormLayout:
        self._mask = QCheckBox(_with_key(self.tr("Show"), actions, "show_mask"))
        self._mask.setAccessibleName(self.tr("Show the vessel mask"))
        self._mask.setToolTip(actions["show_mask"].toolTip())
        self._mask.clicked.connect(lambda on: self._request(show_mask=on))
        self._mask_opacity = OpacitySlider(self.tr("Opacity of the vessel mask"))
        self._mask_opacity.opacityRequested.connect(lambda opacity: self._request(mask_opacity=opacity))
        self._mask_colour = QComboBox()
        self._mask_colour.setAccessibleName(self.tr("Colour of the vessel mask"))
        self._mask_colour.setIconSize(QSize(28, 14))
        for name, colour in MASK_COLOURS:
            text = QCoreApplication.translate("Display", name)
            self._mask_colour.addItem(swatch(colour, QSize(28, 14)), text)
        self._mask_colour.activated.connect(lambda index: self._request(mask_colour=MASK_COLOURS[index][1]))
        form = left_form()
        form.addRow(self._mask)
        form.addRow(self.tr("Opacity"), self._mask_opacity)
        form.addRow(self.tr("Colour"), self._mask_colour)
        return form

    def _make_probability(self, actions: Actions) -> QFormLayout:
        self._probability = QCheckBox(_with_key(self.tr("Show"), actions, "show_probability"))
        self._probability.setAccessibleName(self.tr("Show the probability map"))
        self._probability.setToolTip(actions["show_probability"].toolTip())
        self._probability.clicked.connect(lambda on: self._request(show_probability=on))
        self._probability_opacity = OpacitySlider(self.tr("Opacity of the probability map"))
        self._probability_opacity.opacityRequested.connect(lambda opacity: self._request(probability_opacity=opacity))
        self._colormap = QComboBox()
        self._colormap.setAccessibleName(self.tr("Colours of the probability map"))
        self._colormap.setIconSize(QSize(64, 12))
        for name in COLORMAPS:
            ramp = QPixmap.fromImage(ramp_image(name)).scaled(64, 12)
            self._colormap.addItem(QIcon(ramp), name.capitalize(), name)
        self._colormap.activated.connect(lambda index: self._request(colormap=COLORMAPS[index]))
        self._bar = ColourBar()
        form = left_form()
        form.addRow(self._probability)
        form.addRow(self.tr("Opacity"), self._probability_opacity)
        form.addRow(self.tr("Colours"), self._colormap)
        form.addRow(self._bar)
        return form

    def _show_view(self) -> None:
        view = self._state.view
        self._bases[view.base].setChecked(True)
        self._brightness.set_share(view.brightness, f"{view.brightness:+.2f}")
        self._contrast.set_share(view.contrast, f"{view.contrast:+.2f}")
        self._gamma.set_share(log(view.gamma, 4.0), f"{view.gamma:.2f}")
        self._plain.setEnabled((view.brightness, view.contrast, view.gamma) != (0.0, 0.0, 1.0))
        self._mask.setChecked(view.show_mask)
        self._mask_opacity.set_opacity(view.mask_opacity)
        self._probability.setChecked(view.show_probability)
        self._probability_opacity.set_opacity(view.probability_opacity)
        self._fov.setChecked(view.show_fov)
        colours = [colour for _, colour in MASK_COLOURS]
        with QSignalBlocker(self._mask_colour), QSignalBlocker(self._colormap):
            self._mask_colour.setCurrentIndex(colours.index(view.mask_colour) if view.mask_colour in colours else -1)
            self._colormap.setCurrentIndex(COLORMAPS.index(view.colormap))
        self._bar.set_colormap(view.colormap)
        self._bar.set_level(self._state.rule.level)

    def _show_rule(self) -> None:
        self._bar.set_level(self._state.rule.level)

    def _on_base_clicked(self, base: Base) -> None:
        self._request(base=base)

    def _request(self, **changes: object) -> None:
        view: ViewOptions = replace(self._state.view, **changes)  # type: ignore[arg-type]
        self.viewRequested.emit(view)
        self._show_view()


def _with_key(text: str, actions: Actions, key: str) -> str:
    return f"{text} ({shortcut_text(actions[key])})"
