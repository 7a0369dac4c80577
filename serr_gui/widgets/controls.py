"""Small parts that several panels use."""

from collections.abc import Callable
from typing import Final

from psygnal import SignalInstance
from PySide6.QtCore import QEvent, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPaintEvent, QPalette, QPixmap, QResizeEvent, QValidator
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from core.threshold_rule import LEVELS
from serr_gui.canvas.overlays import colormap_table
from serr_gui.model.state import Colour


def listen(widget: QWidget, signal: SignalInstance, slot: Callable[[], object]) -> None:
    """Connect a signal of the state for as long as a widget lives: dialogs go, and the state stays."""
    signal.connect(slot)
    widget.destroyed.connect(lambda: signal.disconnect(slot, missing_ok=True))


def resize_on_screen(widget: QWidget, width: int, height: int) -> None:
    """Give a window a size, or less where its screen has not so much room; one that is seen stays on the screen."""
    screen = widget.screen().availableGeometry()
    widget.resize(QSize(width, height).boundedTo(screen.size() * 0.9))
    if widget.isVisible():
        below = widget.frameGeometry().bottom() - screen.bottom()
        widget.move(widget.x(), max(screen.top(), widget.y() - max(0, below)))


def heading(text: str) -> QLabel:
    """The title of a group of controls."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def faded(text: str = "") -> QLabel:
    """Explaining text, less prominent than what it explains."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class FittedLabel(QLabel):
    """Wrapped text that takes exactly the lines that it needs; a plain label in a form reserves room for more."""

    def __init__(self, text: str = "", *, prominent: bool = False) -> None:
        super().__init__(text)
        self.setWordWrap(True)
        if not prominent:
            self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        height = self.heightForWidth(self.width()) if self.text() else 0
        if height != self.height() and height >= 0:
            self.setFixedHeight(height)


class ElidedLabel(QLabel):
    """One line that gives way: the middle of a long text is left out, the tooltip has all of it."""

    def __init__(
        self, parent: QWidget | None = None, *, leave_out: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    ) -> None:
        super().__init__(parent)
        self._full = ""
        self._leave_out = leave_out
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_full_text(self, text: str) -> None:
        if text == self._full:  # finding where to cut it costs more than all the rest
            return
        self._full = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def full_text(self) -> str:
        return self._full

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())

    def _elide(self) -> None:
        room = self.contentsRect().width() - 2 * self.margin()
        self.setText(self.fontMetrics().elidedText(self._full, self._leave_out, room))


class LinesLabel(QLabel):
    """Wrapped text in a fixed number of lines, so that nothing below it moves; the tooltip has what does not fit."""

    def __init__(self, lines: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._lines = lines
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 2)

    def set_full_text(self, text: str) -> None:
        if text == self._full:  # finding where to cut it costs more than all the rest
            return
        self._full = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._fit()

    def full_text(self) -> str:
        return self._full

    def set_warning(self, warning: bool) -> None:
        """Whether the text is a warning; it is set off by weight, which no colour blindness takes away."""
        font = self.font()
        if font.bold() != warning:
            font.setBold(warning)
            self.setFont(font)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setFixedHeight(self._lines * self.fontMetrics().lineSpacing() + 2)
            self._fit()

    def _fit(self) -> None:
        """Leave out words at the end until the rest fits."""
        words = self._full.split(" ")
        shown = self._full
        while len(words) > 1 and self._height_of(shown) > self.height():
            words.pop()
            shown = " ".join(words) + "..."
        self.setText(shown)

    def _height_of(self, text: str) -> int:
        room = QRect(0, 0, max(self.width(), 1), 10_000)
        return self.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, text).height()


class DecimalBox(QDoubleSpinBox):
    """A number field that takes a decimal comma and a decimal point alike, whatever the system writes."""

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        return super().validate(self._as_written_here(text), pos)

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(self._as_written_here(text))

    def _as_written_here(self, text: str) -> str:
        point = self.locale().decimalPoint()
        return text.replace("," if point == "." else ".", point)


class _NumberedSlider(QWidget):
    """A slider with its number at the right, which has room for its widest text."""

    def __init__(self, name: str, lowest: int, highest: int, widest: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(lowest, highest)
        self._slider.setPageStep(10)
        self._slider.setAccessibleName(name)
        self._slider.setToolTip(name)
        self._number = QLabel()
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance(widest))
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._number)

    def _show(self, value: int, text: str) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(value)
        self._number.setText(text)


class OpacitySlider(_NumberedSlider):
    """An opacity with its number; ``opacityRequested`` only for the user's request, never for what is shown."""

    opacityRequested = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, 0, 100, "100 %", parent)
        self._slider.valueChanged.connect(self._on_slider_moved)

    def set_opacity(self, opacity: float) -> None:
        """Show an opacity."""
        percent = round(opacity * 100)
        self._show(percent, f"{percent} %")

    def _on_slider_moved(self, percent: int) -> None:
        self._number.setText(f"{percent} %")
        self.opacityRequested.emit(percent / 100)


_HOLD: Final = 3
"""So near to its middle, in hundredths, a tone slider is in the middle."""


class ToneSlider(_NumberedSlider):
    """A share from -1 to 1 with its number; near the middle, which changes nothing, it is held there."""

    shareRequested = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, -100, 100, "+0.00", parent)
        self._slider.valueChanged.connect(self._on_slider_moved)

    def set_share(self, share: float, text: str) -> None:
        """Show a share, with the number that it means."""
        self._show(round(share * 100), text)

    def _on_slider_moved(self, percent: int) -> None:
        self.shareRequested.emit(0.0 if abs(percent) <= _HOLD else percent / 100)


def chooser(name: str, tip: str = "", *, letters: int = 10) -> QComboBox:
    """A box of choices that gives way to a narrow panel; ``letters`` : how many it shows at least."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
    return box


def left_form() -> QFormLayout:
    """A form with its captions at the left, without a margin, whose fields take the width that there is."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(5)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    return form


def swatch(colour: Colour, size: QSize) -> QIcon:
    """A filled rectangle with a border, for choosing colours."""
    picture = QPixmap(size)
    picture.fill(QColor(*colour))
    painter = QPainter(picture)
    painter.setPen(QColor(0, 0, 0, 120))
    painter.drawRect(picture.rect().adjusted(0, 0, -1, -1))
    painter.end()
    return QIcon(picture)


def ramp_image(name: str) -> QImage:
    """The colours of a map from 0 to 1, 256 x 1 pixels."""
    table = colormap_table(name)
    return QImage(table.tobytes(), LEVELS, 1, LEVELS * 3, QImage.Format.Format_RGB888).copy()


class ColourBar(QWidget):
    """The legend of the probability map: its colours from 0 to 1 with the threshold marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ramp = ramp_image("inferno")
        self._level = LEVELS // 2
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Legend of the probability map"))

    def set_colormap(self, name: str) -> None:
        self._ramp = ramp_image(name)
        self.update()

    def set_level(self, level: int) -> None:
        if level != self._level:
            self._level = level
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, 16 + self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        bar = QRect(0, 4, self.width(), 12)
        painter.drawImage(bar, self._ramp)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.drawRect(bar.adjusted(0, 0, -1, -1))
        x = round(self._level / LEVELS * (self.width() - 1))
        text = self.palette().color(QPalette.ColorRole.WindowText)
        painter.fillRect(x - 1, 0, 3, 20, self.palette().color(QPalette.ColorRole.Window))
        painter.fillRect(x, 0, 1, 20, text)
        painter.setPen(text)
        below = QRect(0, 20, self.width(), self.fontMetrics().height())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self.tr("vessel probability"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "1")
        painter.end()
