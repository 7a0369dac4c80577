"""Batches that processes of their own work on: which there are, how they go, and their photographs."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
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
from serr_gui.widgets.work_panel import WorkPanel, beginning

_TYPING_MS: Final = 250
_LIST_PX: Final = 220


class BatchPanel(WorkPanel):
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
        self.batches = BatchList()
        super().__init__(self.batches, parent)
        self._state = state
        self.batches.keyRequested.connect(lambda folder: self.batchRequested.emit(Path(folder)))
        nothing = self.tr(
            "No batch yet. A batch segments folders with any number of photographs while you work on others; it can "
            "be paused and resumed at any time, also after a crash. One that was begun with the command line can be "
            "opened."
        )
        page = self._make_page()
        self.make_frame(page, nothing, _LIST_PX, lambda: beginning(actions["new_batch"], actions["open_batch"]))
        state.events.batches.connect(self._show_batches)
        state.events.batch_folders.connect(self._show_batches)
        self._show_batches()

    # Making

    def _make_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 6, 8, 6)
        column.setSpacing(4)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar.setAccessibleName(self.tr("Progress of the batch"))
        self._facts = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        column.addWidget(self.title)
        column.addLayout(self._make_buttons())
        column.addWidget(self.bar)
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
        return page

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
        self._more = self.fill_menu(
            (
                ("folder", self.tr("Open &Folder of Results"), self.folderRequested),
                ("forget", self.tr("&Take Out of the List"), self.forgetRequested),
            ),
            self._request,
        )
        self.spare(self._retry, self._open)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self._pause, self._resume, self._stop, self._retry, self._open, self.more):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _make_filter(self) -> QHBoxLayout:
        self._kind = chooser(self.tr("Which photographs"), letters=8)
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
        row.addWidget(self._part, 2)
        row.addStretch(1)
        return row

    def set_narrow(self, *, narrow: bool) -> None:
        super().set_narrow(narrow=narrow)
        self.table.set_narrow(narrow=narrow)

    # Showing the state

    def _show_batches(self) -> None:
        batches = self._state.batches
        self.batches.show_batches(batches.known, batches.chosen)
        facts = batches.batch
        self.show_frame(any_work=bool(self._state.batch_folders), chosen=facts is not None)
        if facts is None:
            return
        status = facts.status
        self.title.set_full_text(f"{name_text(facts.folder)}: {word_text(facts)}")
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
        self.bar.show_part((total - left) / max(total, 1))
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
            self.tr("model {model}, threshold {threshold}").format(model=facts.model, threshold=facts.threshold_text)
        )
        if facts.watched:
            text = self.tr("also what comes later into {folders}")
            parts.append(text.format(folders=", ".join(display_path(folder.name) for folder in facts.watched)))
        return "  |  ".join(parts)

    # Requests

    def _find(self) -> None:
        self._typing.stop()
        self.findRequested.emit(str(self._kind.currentData()), self._part.text().strip())

    def _request(self, signal: SignalInstance) -> None:
        facts = self._state.batches.batch
        if facts is not None:
            signal.emit(facts)
