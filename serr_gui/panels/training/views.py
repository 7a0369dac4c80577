"""Parts of the training panel: the list of jobs, and the pictures of a validation photograph."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from core.jobs.store import Job
from core.training.run_view import RunView, Validated
from core.types import ByteArray
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.training import RunPicture
from serr_gui.widgets.work_list import WorkList, WorkRow

_ROOM_PX: Final = 420
"""With less, the slider of the validations and what it says are below one another."""
_ICONS: Final = {
    "starting": "segment",
    "queued": "info",
    "running": "segment",
    "paused": "stop",
    "done": "success",
    "failed": "error",
    "interrupted": "warning",
    "damaged": "error",
}
_STATES: Final = {
    "starting": QT_TRANSLATE_NOOP("Training", "starting"),
    "queued": QT_TRANSLATE_NOOP("Training", "waits for its device"),
    "submitted": QT_TRANSLATE_NOOP("Training", "waits in the cluster's queue"),
    "running": QT_TRANSLATE_NOOP("Training", "running"),
    "preparing": QT_TRANSLATE_NOOP("Training", "preparing"),
    "paused": QT_TRANSLATE_NOOP("Training", "paused"),
    "done": QT_TRANSLATE_NOOP("Training", "done"),
    "failed": QT_TRANSLATE_NOOP("Training", "failed"),
    "interrupted": QT_TRANSLATE_NOOP("Training", "interrupted"),
    "damaged": QT_TRANSLATE_NOOP("Training", "damaged"),
}
_COMMANDS: Final = {
    "pause": QT_TRANSLATE_NOOP("Training", "pausing after this step"),
    "stop": QT_TRANSLATE_NOOP("Training", "stopping after this step"),
}


def state_text(job: Job) -> str:
    """The state of a job in words."""
    submitted = job.state == "queued" and job.request.is_submitted
    words = _STATES["submitted" if submitted else "preparing" if job.preparing else job.state]
    if job.command and job.alive:
        words = _COMMANDS[job.command]
    return QCoreApplication.translate("Training", words)


class JobList(WorkList):
    """The jobs, the newest on top; the key of each is its id."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Trainings"), Qt.TextElideMode.ElideRight, parent)

    def show_jobs(self, jobs: tuple[Job, ...], chosen: str) -> None:
        self.show_rows([_row(job) for job in reversed(jobs)], chosen)


def _row(job: Job) -> WorkRow:
    request = job.request
    tooltip = "\n".join(filter(None, [request.name, job.status.sentence, request.notes]))
    return WorkRow(job.id, f"{request.name}\n{state_text(job)}", _ICONS[job.state], tooltip)


class Picture(QWidget):
    """A picture that fills its place, with its name below."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._picture = name, QPixmap()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(90, 90)

    def show_pixels(self, pixels: ByteArray | None) -> None:
        """Show a picture, uint8 (h, w, 3), or None."""
        self._picture = QPixmap()
        if pixels is not None:
            height, width = pixels.shape[:2]
            image = QImage(pixels.tobytes(), width, height, width * 3, QImage.Format.Format_RGB888)
            self._picture = QPixmap.fromImage(image)
        self.update()

    @property
    def has_picture(self) -> bool:
        return not self._picture.isNull()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        line = self.fontMetrics().height() + 4
        room = self.rect().adjusted(0, 0, 0, -line)
        if not self._picture.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            size = self._picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(room.topLeft(), size)
            place.moveCenter(room.center())
            painter.drawPixmap(place, self._picture)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        below = QRect(0, self.height() - line, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._name)
        painter.end()


class ValidationPictures(QWidget):
    """A validation photograph, its label, and its map at the validation that the slider chooses.

    ``pictureRequested`` carries (which of the three, files): the first of the files that exists is wanted by
    ``show_picture``.
    """

    pictureRequested = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run, self._maps = Path(), tuple[Validated, ...]()
        self._wanted: dict[str, tuple[Path, ...]] = {}
        self.photo = Picture(self.tr("Validation photograph"))
        self.label = Picture(self.tr("Expert's label"))
        self.map = Picture(self.tr("Network's map"))
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Validation"))
        self._slider.setToolTip(self.tr("Go back to earlier validations and see the map improve"))
        self._slider.valueChanged.connect(self._show_map)
        self._caption = QLabel()
        self._caption.setMinimumWidth(
            self._caption.fontMetrics().horizontalAdvance("step 000000: AUC 0.0000, F1 0.0000")
        )
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        self._places = {"photo": self.photo, "label": self.label, "map": self.map}
        for picture in self._places.values():
            pictures.addWidget(picture, 1)
        below = self._below = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        below.addWidget(self._slider, 1)
        below.addWidget(self._caption)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 4)
        column.addLayout(pictures, 1)
        column.addLayout(below)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < _ROOM_PX
        self._below.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)

    def show_run(self, run: Path | None, view: RunView | None) -> None:
        """Show the pictures of a run. Whoever looks at the newest map continues to newer ones."""
        at_end = self._slider.value() == self._slider.maximum() or run != self._run
        if (run or Path()) != self._run:
            self._wanted.clear()
            for picture in self._places.values():
                picture.show_pixels(None)  # nothing of another run
        self._run = run or Path()
        self._maps = tuple(each for each in view.validated if each.picture) if view is not None and run else ()
        known = run is not None and view is not None
        self._want("photo", (self._run / view.photo,) if known and view and view.photo else ())
        self._want("label", (self._run / view.label,) if known and view and view.label else ())
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, max(0, len(self._maps) - 1))
            if at_end:
                self._slider.setValue(self._slider.maximum())
        self._slider.setEnabled(len(self._maps) > 1)
        self._show_map()

    def _show_map(self) -> None:
        """The map of the chosen validation, or one before it: of a long run every second picture is removed."""
        chosen = self._maps[self._slider.value() :: -1] if self._maps else ()
        if not chosen:
            self._caption.setText(self.tr("no validation yet") if self._run.name else "")
        self._want("map", tuple(self._run / each.picture for each in chosen))

    def _want(self, place: str, files: tuple[Path, ...]) -> None:
        """Ask for a picture; one that was asked for already is not read again."""
        if files == self._wanted.get(place):
            return
        self._wanted[place] = files
        if files:
            self.pictureRequested.emit(place, files)
        else:
            self._places[place].show_pixels(None)

    def show_picture(self, found: RunPicture) -> None:
        """Show a picture that was asked for, unless another is wanted now."""
        if found.wanted != self._wanted.get(found.place):
            return
        self._places[found.place].show_pixels(found.pixels)
        chosen = next((each for each in self._maps if self._run / each.picture == found.file), None)
        if chosen is not None:
            text = self.tr("step {step}: AUC {auc}, F1 {f1}")
            self._caption.setText(text.format(step=chosen.step, auc=f"{chosen.auc_roc:.4f}", f1=f"{chosen.f1:.4f}"))
