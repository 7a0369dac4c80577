"""The chooser of drawing styles, above the threshold."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.models.drawing_style import DrawingStyle
from core.threshold_rule import LEVELS
from serr_gui.model.rule_selectors import model_styles, shown_style
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import chooser, faded


class StyleRow(QWidget):
    """``styleRequested`` carries the name of a drawing style, empty for the model's own threshold."""

    styleRequested = Signal(str)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._listed: tuple[DrawingStyle, ...] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        caption = faded(self.tr("Draw like"))
        caption.setWordWrap(False)
        self.box = chooser(self.tr("Draw like"), letters=6)
        self.box.setPlaceholderText("–")
        self.box.activated.connect(lambda index: self.styleRequested.emit(self.box.itemData(index)))
        row.addStretch(1)
        row.addWidget(caption)
        row.addWidget(self.box, 2)
        events = state.events
        for event in (events.rule, events.document, events.models, events.model, events.draw_like):
            event.connect(self._show)
        self._show()

    def _show(self) -> None:
        styles = model_styles(self._state)
        with QSignalBlocker(self.box):
            if styles != self._listed:
                self._list(styles)
            self.box.setCurrentIndex(self.box.findData(shown_style(self._state)))

    def _list(self, styles: tuple[DrawingStyle, ...]) -> None:
        self._listed = styles
        self.box.clear()
        self.box.addItem(self.tr("Average"), "")
        for style in styles:
            self.box.addItem(style.name, style.name)
            self.box.setItemData(self.box.count() - 1, self._about(style), Qt.ItemDataRole.ToolTipRole)
        self.box.setEnabled(bool(styles))
        self.setToolTip(self._tip(styles))
        self.box.setToolTip(self._tip(styles))

    def _tip(self, styles: tuple[DrawingStyle, ...]) -> str:
        if not styles:
            return self.tr("This model has no drawing styles; models have them that learned from several data sets")
        meaning = self.tr(
            "Experts differ in how thick and how finely they draw: each style is the threshold that was best on "
            "photographs of its data set, held out of the training. It holds for this photograph and for those that "
            "are segmented from now on; Threshold for All Photographs (Shift+M) gives it to the others of the list"
        )
        return "\n".join((meaning, *map(self._about, styles)))

    def _about(self, style: DrawingStyle) -> str:
        text = {
            0: self.tr("{name}: {level}/{levels}"),
            1: self.tr("{name}: {level}/{levels}, chosen by one photograph"),
        }.get(style.photographs, self.tr("{name}: {level}/{levels}, chosen by {count} photographs"))
        return text.format(name=style.name, level=style.level, levels=LEVELS, count=style.photographs)
