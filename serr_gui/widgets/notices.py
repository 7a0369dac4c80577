"""Notices: sentences in the window that wait to be read, never boxes that stop it."""

from functools import partial

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QHideEvent, QPalette, QPixmap
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

from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.notices import Notice, NoticeKind
from serr_gui.system.desktop import open_outside
from serr_gui.widgets import icons
from serr_gui.widgets.controls import ElidedLabel
from serr_gui.widgets.scrolling import scrolling

PASSING_MS = 10_000

# Colour, icon shape and the spoken word all say what kind it is. Text stays in the palette's colour.
_COLOURS: dict[NoticeKind, tuple[str, str]] = {
    "info": ("#2b6cb0", "#7fb7f0"),
    "success": ("#2f7d3b", "#7fd08c"),
    "warning": ("#a15c00", "#f0b65a"),
    "error": ("#b3261e", "#ff8a80"),
}
_WORDS: dict[NoticeKind, str] = {
    "info": QT_TRANSLATE_NOOP("Notices", "Information"),
    "success": QT_TRANSLATE_NOOP("Notices", "Done"),
    "warning": QT_TRANSLATE_NOOP("Notices", "Warning"),
    "error": QT_TRANSLATE_NOOP("Notices", "Problem"),
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
        word = _word(notice.kind)
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
        self._close = _close_button()
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
        colour, ground = _colours(self.notice.kind)
        self._badge.setPixmap(_badge(self.notice.kind, colour, self.devicePixelRatioF()))
        self._close.setIcon(icons.icon("close"))
        self.setStyleSheet(
            # The border is there without colours, too.
            f"#notice {{ background: {ground.name()}; border-left: 4px solid {colour.name()}; }}"
        )

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._paint_kind()

    def show_details(self) -> None:
        self._toggle.setChecked(True)

    def _on_toggle_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.notice.text}\n\n{self.notice.details}")


class NoticeList(QFrame):
    """All notices with their details, the newest on top: opened on demand, closed by a click elsewhere."""

    dismissRequested = Signal(object)
    choiceRequested = Signal(object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName(self.tr("All notices"))
        self._cards: list[NoticeCard] = []
        self._inner = QWidget()
        self._column = QVBoxLayout(self._inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self._column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolling(self._inner))

    @property
    def cards(self) -> tuple[NoticeCard, ...]:
        """The cards, the newest first."""
        return tuple(self._cards)

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Show these, the newest (last) on top; cards that stay keep their details open."""
        wanted = list(reversed(notices))
        for card in self._cards[:]:
            if not any(card.notice is notice for notice in wanted):
                self._cards.remove(card)
                self._column.removeWidget(card)
                card.hide()
                card.deleteLater()
        for index, notice in enumerate(wanted):
            if index < len(self._cards) and self._cards[index].notice is notice:
                continue
            card = NoticeCard(notice, self._inner)
            card.dismissed.connect(self.dismissRequested)
            card.chosen.connect(self.choiceRequested)
            self._cards.insert(index, card)
            self._column.insertWidget(index, card)
            card.show()
        if not notices:
            self.hide()

    def open_above(self, bar: QWidget) -> None:
        """Come up over a bar, as high as is needed and half of the window at most."""
        room = bar.window().height() // 2
        self._inner.adjustSize()
        width = bar.width()
        height = min(room, max(self._column.totalHeightForWidth(width), self._inner.sizeHint().height()) + 6)
        corner = bar.mapToGlobal(QPoint(0, 0))
        self.setGeometry(corner.x(), corner.y() - height, width, height)
        self.show()


class NoticeBar(QWidget):
    """The newest notice in one line that is always there, so that nothing moves; the others in a ``NoticeList``.

    Messages of success disappear by themselves, ``PASSING_MS`` after it came, but not while the person looks elsewhere.
    """

    dismissRequested = Signal(object)
    choiceRequested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notices: tuple[Notice, ...] = ()
        self.setObjectName("noticeBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._badge = QLabel()
        self._text = ElidedLabel()
        self._folder = QPushButton(self.tr("Open Folder"))
        self._folder.clicked.connect(self._on_folder)
        self._details = QPushButton(self.tr("Details"))
        self._details.clicked.connect(self._on_details)
        self._choices: list[QPushButton] = []
        self._all = QPushButton()
        self._all.clicked.connect(self._on_all)
        self._close = _close_button()
        self._close.clicked.connect(self._on_close)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 2)
        row.setSpacing(6)
        row.addWidget(self._badge)
        row.addWidget(self._text, 1)
        for button in (self._folder, self._details, self._all, self._close):
            row.addWidget(button)
        self.setFixedHeight(self._details.sizeHint().height() + 6)
        self.list = NoticeList(self)
        self.list.dismissRequested.connect(self.dismissRequested)
        self.list.choiceRequested.connect(self.choiceRequested)
        self.passing = QTimer(self)
        self.passing.setInterval(PASSING_MS)
        self.passing.timeout.connect(self._on_passing)
        self._show_newest()

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Show the newest (last) of these."""
        newest = notices[-1] if notices else None
        is_new = newest is not None and not (self._notices and self._notices[-1] is newest)
        self._notices = notices
        self.list.set_notices(notices)
        self._show_newest()
        if newest is None or newest.kind != "success":
            self.passing.stop()
        elif is_new:
            self.passing.start()

    def _show_newest(self) -> None:
        notice = self._notices[-1] if self._notices else None
        count = len(self._notices)
        self._badge.setVisible(notice is not None)
        self._text.set_full_text(notice.text if notice is not None else "")
        self._text.setAccessibleName(f"{_word(notice.kind)}: {notice.text}" if notice is not None else "")
        self._show_choices(notice)
        self._folder.setVisible(notice is not None and notice.folder is not None)
        self._details.setVisible(notice is not None and bool(notice.details))
        self._all.setText(self.tr("All ({count})").format(count=count))
        self._all.setVisible(count > 1)
        self._close.setVisible(notice is not None)
        self._paint_kind()

    def _show_choices(self, notice: Notice | None) -> None:
        for button in self._choices:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._choices = []
        for choice in notice.choices if notice is not None else ():
            button = QPushButton(choice.text)
            button.clicked.connect(partial(self.choiceRequested.emit, notice, choice))
            self._row.insertWidget(2 + len(self._choices), button)
            self._choices.append(button)

    def _paint_kind(self) -> None:
        if not self._notices:
            self.setStyleSheet("")
            return
        kind = self._notices[-1].kind
        colour, ground = _colours(kind)
        self._badge.setPixmap(_badge(kind, colour, self.devicePixelRatioF()))
        self._badge.setToolTip(_word(kind))
        self._close.setIcon(icons.icon("close"))
        self.setStyleSheet(f"#noticeBar {{ background: {ground.name()}; border-left: 4px solid {colour.name()}; }}")

    def _on_folder(self) -> None:
        _open_folder(self._notices[-1])

    def _on_close(self) -> None:
        self.dismissRequested.emit(self._notices[-1])

    def _on_details(self) -> None:
        self.list.open_above(self)
        card = self.list.cards[0]
        card.show_details()
        self.list.open_above(self)

    def _on_all(self) -> None:
        self.list.open_above(self)

    def _on_passing(self) -> None:
        if self.isActiveWindow() and not self.underMouse() and self._notices and self._notices[-1].kind == "success":
            self.dismissRequested.emit(self._notices[-1])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._paint_kind()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.list.hide()


def _close_button() -> QToolButton:
    button = QToolButton()
    button.setAutoRaise(True)
    text = QCoreApplication.translate("Notices", "Close this notice")
    button.setAccessibleName(text)
    button.setToolTip(text)
    button.setIconSize(QSize(14, 14))
    return button


def _word(kind: NoticeKind) -> str:
    """What kind of notice it is, in a word."""
    return QCoreApplication.translate("Notices", _WORDS[kind])


def _colours(kind: NoticeKind) -> tuple[QColor, QColor]:
    """The colour of a kind, and the ground for its text, in the theme of now."""
    palette = QGuiApplication.palette()
    dark = palette.color(QPalette.ColorRole.Window).lightness() < 128
    colour, base = QColor(_COLOURS[kind][int(dark)]), palette.color(QPalette.ColorRole.Base)
    share = 0.16 if dark else 0.10
    mixed = (s * share + b * (1 - share) for s, b in zip(_rgb(colour), _rgb(base), strict=True))
    return colour, QColor.fromRgbF(*mixed)


def _badge(kind: NoticeKind, colour: QColor, ratio: float) -> QPixmap:
    picture = icons.pixmap(kind, round(20 * ratio), colour)
    picture.setDevicePixelRatio(ratio)
    return picture


def _open_folder(notice: Notice) -> None:
    if notice.folder is not None:
        open_outside(notice.folder)


def _rgb(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()
