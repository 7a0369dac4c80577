"""Batches that processes of their own work on: which there are, how they go, and their photographs."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.batch.status import KINDS
from core.files import display_path
from serr_gui.actions.qactions import Actions
from serr_gui.model.batch import MOST_ROWS, BatchFacts
from serr_gui.model.state import AppState
from serr_gui.panels.batch.views import BatchList, PhotoTable, name_text, word_text
from serr_gui.widgets.controls import ElidedLabel, chooser, faded
from serr_gui.widgets.durations import duration_text

_TYPING_MS: Final = 250
_WIDE_PX: Final = 640
"""As wide as list and photographs want to be together."""


class BatchPanel(QWidget):
    """Lists the batches and shows the chosen one. Every request but the last three carries the ``BatchFacts``.

    ``batchRequested`` carries a folder, ``findRequested`` (kind, part of the name), ``photoRequested`` a ``BatchRow``.
    """

    pauseRequested = Signal(object)
    stopRequested = Signal(object)
    resumeRequested = Signal(object)
    retryRequested = Signal(object)
    folderRequested = Signal(object)
    forgetRequested = Signal(object)
    batchRequested = Signal(object)
    findRequested = Signal(str, str)
    photoRequested = Signal(object)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.batches = BatchList()
        self.batches.keyRequested.connect(lambda folder: self.batchRequested.emit(Path(folder)))
        left = self._left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(8, 6, 0, 6)
        column.setSpacing(6)
        column.addWidget(self.batches, 1)
        column.addLayout(_beginning(actions))
        split = self._split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self._make_right())
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        split.setSizes([220, 800])
        split.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        self._nothing = self._make_nothing(actions)
        whole.addWidget(self._nothing)
        whole.addWidget(split)
        state.events.batches.connect(self._show_batches)
        state.events.batch_folders.connect(self._show_batches)
        self._show_batches()

    # Making

    def _make_nothing(self, actions: Actions) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(
            faded(
                self.tr(
                    "No batch yet. A batch segments folders with any number of photographs while you work on others; "
                    "it can be paused and resumed at any time, also after a crash. One that was begun with the command "
                    "line can be opened."
                )
            )
        )
        column.addLayout(_beginning(actions))
        column.addStretch(1)
        return page

    def _make_right(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 6, 8, 6)
        column.setSpacing(4)
        self._title = ElidedLabel()
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName(self.tr("Progress of the batch"))
        self._facts = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        column.addWidget(self._title)
        column.addLayout(self._make_buttons())
        column.addWidget(self._bar)
        column.addWidget(self._facts)
        column.addWidget(self._problem)
        column.addLayout(self._make_filter())
        self.table = PhotoTable()
        self.table.photoRequested.connect(self.photoRequested)
        self.table.selectionModel().currentRowChanged.connect(lambda *_rows: self._show_open())
        column.addWidget(self.table, 1)
        self._reason = QLabel()
        self._reason.setWordWrap(True)
        self._reason.setTextFormat(Qt.TextFormat.PlainText)
        self._reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self._reason)
        self._more_rows = faded()
        column.addWidget(self._more_rows)
        right = QWidget()
        self._pages = QStackedLayout(right)
        self._pages.addWidget(QWidget())
        self._pages.addWidget(page)
        return right

    def _make_buttons(self) -> QHBoxLayout:
        self._pause = QPushButton(self.tr("&Pause"))
        self._pause.setToolTip(self.tr("End after the photographs in work, and resume whenever you like"))
        self._pause.clicked.connect(lambda: self._request(self.pauseRequested))
        self._resume = QPushButton(self.tr("&Resume"))
        self._resume.setToolTip(self.tr("Do the photographs that are left; nothing is done twice"))
        self._resume.clicked.connect(lambda: self._request(self.resumeRequested))
        self._stop = QPushButton(self.tr("S&top"))
        self._stop.setToolTip(self.tr("End after the photographs in work; the next start does not offer to resume it"))
        self._stop.clicked.connect(lambda: self._request(self.stopRequested))
        self._retry = QPushButton(self.tr("Retry &Failed"))
        self._retry.setToolTip(self.tr("Try the photographs that failed again, and do those that are left"))
        self._retry.clicked.connect(lambda: self._request(self.retryRequested))
        self._open = QPushButton(self.tr("&Open Photograph"))
        self._open.setToolTip(self.tr("Open the chosen photograph with its result (Enter, or double-click)"))
        self._open.clicked.connect(lambda: self.table.request(self.table.currentIndex().row()))
        more = QPushButton(self.tr("&More"))
        menu = QMenu(more)
        self._more: dict[str, QAction] = {}
        for key, text, signal in (
            ("folder", self.tr("Open &Folder of Results"), self.folderRequested),
            ("forget", self.tr("&Take Out of the List"), self.forgetRequested),
        ):
            action = menu.addAction(text)
            action.triggered.connect(lambda _on=False, signal=signal: self._request(signal))
            self._more[key] = action
        more.setMenu(menu)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self._pause, self._resume, self._stop, self._retry, self._open, more):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _make_filter(self) -> QHBoxLayout:
        self._kind = chooser(self.tr("Which photographs"), letters=12)
        texts = {
            "all": self.tr("All"),
            "failed": self.tr("Failed"),
            "doubtful": self.tr("Doubtful"),
            "done": self.tr("Done"),
            "waiting": self.tr("Not done"),
        }
        for kind in KINDS:
            self._kind.addItem(texts[kind], kind)
        self._kind.activated.connect(lambda _index: self._find())
        self._part = QLineEdit()
        self._part.setPlaceholderText(self.tr("Name contains"))
        self._part.setAccessibleName(self.tr("Part of the name"))
        self._part.setClearButtonEnabled(True)
        self._part.setMaximumWidth(220)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._find)
        self._part.textEdited.connect(lambda _text: self._typing.start())
        caption = QLabel(self.tr("&Show"))
        caption.setBuddy(self._kind)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(caption)
        row.addWidget(self._kind)
        row.addWidget(self._part, 1)
        row.addStretch(1)
        return row

    # Showing the state

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        place = self.parentWidget()
        if place is not None:
            place.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._fit()
        return False

    def _fit(self) -> None:
        """Where there is little room and but one batch, the photographs have it all."""
        place = self.parentWidget()
        room = place.width() if place is not None else self.width()
        self._left.setVisible(len(self._state.batches.known) > 1 or room >= _WIDE_PX)

    def _show_batches(self) -> None:
        batches = self._state.batches
        if self.isVisible():
            self._fit()
        self.batches.show_batches(batches.known, batches.chosen)
        self._nothing.setVisible(not self._state.batch_folders)
        self._split.setVisible(bool(self._state.batch_folders))
        facts = batches.batch
        self._pages.setCurrentIndex(0 if facts is None else 1)
        if facts is None:
            return
        status = facts.status
        self._title.set_full_text(f"{name_text(facts.folder)}: {word_text(facts)}")
        self._problem.setText(facts.problem)
        self._problem.setVisible(bool(facts.problem))
        failed = status.counts["failed"] if status is not None else 0
        left = status.left if status is not None else 0
        self._pause.setVisible(facts.running)
        self._pause.setEnabled(facts.word == "running")
        self._resume.setVisible(not facts.running)
        self._resume.setEnabled(bool(left) or bool(facts.watched) or facts.word == "failed")
        self._stop.setVisible(facts.running or facts.unfinished)
        self._stop.setEnabled(facts.word in {"running", "pausing", "paused", "interrupted"})
        self._retry.setEnabled(bool(failed) and not facts.running)
        self._more["forget"].setEnabled(not facts.running)
        self._facts.set_full_text(self._facts_of(facts))
        total = status.total if status is not None else 0
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(total - left)
        self._kind.setCurrentIndex(self._kind.findData(batches.kind))
        self.table.show_rows(batches.rows)
        self._show_open()
        text = self.tr("The first {count} are shown. Choose fewer by Show or by the name; summary.csv has them all.")
        self._more_rows.setText(text.format(count=f"{MOST_ROWS:,}"))
        self._more_rows.setVisible(batches.more)

    def _show_open(self) -> None:
        chosen = self.table.chosen
        self._open.setEnabled(chosen is not None)
        self._reason.setText(chosen.text if chosen is not None else "")
        self._reason.setVisible(bool(self._reason.text()))

    def _facts_of(self, facts: BatchFacts) -> str:
        status = facts.status
        if status is None:
            return ""
        counts = status.counts
        parts = [
            self.tr("{done} done").format(done=f"{counts['done'] + counts['kept']:,}"),
            self.tr("{failed} failed").format(failed=f"{counts['failed']:,}"),
            self.tr("{left} left").format(left=f"{status.left:,}"),
        ]
        if status.doubtful:
            parts.append(self.tr("{count} doubtful").format(count=f"{status.doubtful:,}"))
        if facts.running and facts.rate and status.left:
            parts.append(self.tr("{rate} photographs/s").format(rate=f"{facts.rate:.2g}"))
            if facts.seconds_left is not None:
                parts.append(self.tr("{time} to go").format(time=duration_text(facts.seconds_left)))
        parts.append(
            self.tr("model {model}, threshold {threshold}").format(
                model=facts.model, threshold=f"{facts.threshold:.3f}"
            )
        )
        if facts.watched:
            text = self.tr("also what comes later into {folders}")
            parts.append(text.format(folders=", ".join(display_path(folder.name) for folder in facts.watched)))
        return "  |  ".join(parts)

    # Requests

    def _find(self) -> None:
        self._typing.stop()
        self.findRequested.emit(str(self._kind.currentData()), self._part.text().strip())

    def _request(self, signal: object) -> None:
        facts = self._state.batches.batch
        if facts is not None:
            signal.emit(facts)  # type: ignore[attr-defined]


def _beginning(actions: Actions) -> QHBoxLayout:
    """Buttons of what begins a batch, or takes one up."""
    row = QHBoxLayout()
    row.setSpacing(4)
    for key in ("new_batch", "open_batch"):
        button = QToolButton()
        button.setDefaultAction(actions[key])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        row.addWidget(button)
    row.addStretch(1)
    return row
