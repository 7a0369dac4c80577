"""Notices: sentences in the window that wait to be read, never boxes that stop it."""

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from serr_gui.model.state import Notice, NoticeKind
from serr_gui.system.desktop import open_outside
from serr_gui.widgets import icons

SHOWN_AT_ONCE = 3

# Colour, icon shape and the spoken word all say what kind it is. Text stays in the palette's colour.
_COLOURS: dict[NoticeKind, tuple[str, str]] = {
    "info": ("#2b6cb0", "#7fb7f0"),
    "success": ("#2f7d3b", "#7fd08c"),
    "warning": ("#a15c00", "#f0b65a"),
    "error": ("#b3261e", "#ff8a80"),
}


class NoticeCard(QFrame):
    """One notice with its buttons."""

    dismissed = Signal(object)
    chosen = Signal(object, object)

    def __init__(self, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice = notice
        self.setObjectName("notice")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAutoFillBackground(True)
        words = {
            "info": self.tr("Information"),
            "success": self.tr("Done"),
            "warning": self.tr("Warning"),
            "error": self.tr("Problem"),
        }
        word = words[notice.kind]
        self.setAccessibleName(f"{word}: {notice.text}")

        self._badge = QLabel()
        self._badge.setToolTip(word)
        self._badge.setAccessibleName(word)
        self._text = QLabel(notice.text)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        if notice.folder is not None:
            open_folder = QPushButton(self.tr("Open Folder"))
            open_folder.clicked.connect(partial(_open_folder, notice))
            row.addWidget(open_folder, 0, Qt.AlignmentFlag.AlignTop)
        for choice in notice.choices:
            button = QPushButton(choice.text)
            button.clicked.connect(partial(self.chosen.emit, notice, choice))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._details = QPlainTextEdit(notice.details)
        self._copy = QPushButton(self.tr("Copy"))
        self._toggle = QPushButton(self.tr("Details"))
        self._make_details()
        row.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignTop)
        self._close = QToolButton()
        self._close.setAutoRaise(True)
        self._close.setAccessibleName(self.tr("Close this notice"))
        self._close.setToolTip(self.tr("Close this notice"))
        self._close.clicked.connect(lambda: self.dismissed.emit(self.notice))
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)

        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.addLayout(row)
        column.addWidget(self._details)
        self._paint_kind()

    def _make_details(self) -> None:
        self._details.setReadOnly(True)
        self._details.setAccessibleName(self.tr("Details"))
        self._details.setMaximumHeight(150)
        self._details.hide()
        self._toggle.setCheckable(True)
        self._toggle.setVisible(bool(self.notice.details))
        self._toggle.toggled.connect(self._on_toggle_details)
        self._copy.setToolTip(self.tr("Copy the sentence and its details"))
        self._copy.clicked.connect(self._on_copy_clicked)
        self._copy.hide()

    def _paint_kind(self) -> None:
        dark = QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128
        colour = QColor(_COLOURS[self.notice.kind][int(dark)])
        ratio = self.devicePixelRatioF()
        picture = icons.pixmap(self.notice.kind, round(20 * ratio), colour)
        picture.setDevicePixelRatio(ratio)
        self._badge.setPixmap(picture)
        self._close.setIcon(icons.icon("close"))
        self._close.setIconSize(QSize(14, 14))
        base = QGuiApplication.palette().color(QPalette.ColorRole.Base)
        share = 0.16 if dark else 0.10
        mixed = QColor.fromRgbF(*(s * share + b * (1 - share) for s, b in zip(_rgb(colour), _rgb(base), strict=True)))
        self.setStyleSheet(
            # The border is there without colours, too.
            f"#notice {{ background: {mixed.name()}; border-left: 4px solid {colour.name()}; }}"
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._paint_kind()

    def _on_toggle_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.notice.text}\n\n{self.notice.details}")


class NoticeBar(QWidget):
    """The newest notices, one below the other; older ones come up as these are closed."""

    dismissRequested = Signal(object)
    choiceRequested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: list[NoticeCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self._more = QLabel()
        self._more.setContentsMargins(12, 2, 8, 4)
        self._more.setAutoFillBackground(True)
        self._more.hide()
        self._column.addWidget(self._more)
        self.hide()

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Show these, the newest (last) on top."""
        wanted = list(reversed(notices))[:SHOWN_AT_ONCE]
        for card in self._cards[:]:
            if not any(card.notice is notice for notice in wanted):
                self._cards.remove(card)
                self._column.removeWidget(card)
                card.hide()
                card.deleteLater()
        for index, notice in enumerate(wanted):
            if index < len(self._cards) and self._cards[index].notice is notice:
                continue
            card = NoticeCard(notice, self)
            card.dismissed.connect(self.dismissRequested)
            card.chosen.connect(self.choiceRequested)
            self._cards.insert(index, card)
            self._column.insertWidget(index, card)
            card.show()
        hidden = len(notices) - len(wanted)
        self._more.setText(self.tr("Close these to see older ones ({count})").format(count=hidden))
        self._more.setVisible(hidden > 0)
        self.setVisible(bool(notices))


def _open_folder(notice: Notice) -> None:
    if notice.folder is not None:
        open_outside(notice.folder)


def _rgb(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()
