"""Going through many photographs: marks and notes, the next that is left, and the time that each one takes."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer

from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.photos import PhotoController
from serr_gui.model.annotating import ActiveClock, next_undone, undone

_WRITE_DOWN_MS: Final = 10_000


class AnnotatingController(QObject):
    """What an observer says of photographs. ``now`` is the clock, in seconds."""

    def __init__(self, context: ControllerContext, photos: PhotoController) -> None:
        super().__init__(context)
        self._context = context
        self._photos = photos
        self.now = time.monotonic
        self._clock = ActiveClock()
        self._timed: Path | None = None
        # Now and then, for each change of a line is seen by all that shows the list.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WRITE_DOWN_MS)
        self._timer.timeout.connect(self.write_time)
        context.state.events.document.connect(self._on_document)

    # Marks

    def set_done(self, paths: Sequence[Path], done: bool) -> None:
        """Say that photographs are finished, or are not."""
        self._mark(paths, done=done)

    def set_doubtful(self, paths: Sequence[Path], doubtful: bool) -> None:
        """Say that photographs are doubtful, or are not."""
        self._mark(paths, doubtful=doubtful)

    def set_note(self, path: Path, note: str) -> None:
        """Write a note down for a photograph, in place of the one that it had."""
        self._mark([path], note=note)

    def toggle_done(self) -> None:
        item = self._context.state.item
        if item is not None:
            self.set_done([item.path], not item.marks.done)

    def toggle_doubtful(self) -> None:
        item = self._context.state.item
        if item is not None:
            self.set_doubtful([item.path], not item.marks.doubtful)

    def done_and_next(self) -> None:
        """The photograph is done: show the next that is not, among those that are listed."""
        state = self._context.state
        if state.item is None:
            return
        self.write_time()
        self.set_done([state.item.path], True)
        index, left = next_undone(state), len(undone(state))
        if index is not None:
            self._photos.select(index)
        elif left:
            text = self.tr("All listed photographs are done; the filter hides {count} that are not.")
            self._context.notify("info", text.format(count=left), until="photo")
        else:
            count = len(state.photos)
            text = self.tr("All {count} photographs are done.") if count > 1 else self.tr("This photograph is done.")
            text = text.format(count=count)
            self._context.notify("success", text, until="photo")

    def _mark(self, paths: Sequence[Path], **changes: object) -> None:
        wanted = set(paths)
        self._context.state.photos = tuple(
            replace(item, marks=replace(item.marks, **changes)) if item.path in wanted else item  # type: ignore[arg-type]
            for item in self._context.state.photos
        )

    # Time

    def touch(self) -> None:
        """A hand has moved mouse or pen, or pressed a key."""
        if self._timed is not None:
            self._clock.touch(self.now())
            if not self._timer.isActive():
                self._timer.start()

    def pause(self) -> None:
        """The program is not in front any more."""
        self._clock.pause(self.now())
        self.write_time()

    def write_time(self) -> None:
        """Put the seconds that were counted into the line of the photograph."""
        self._timer.stop()
        seconds, path = self._clock.take(), self._timed
        item = next((item for item in self._context.state.photos if item.path == path), None)
        if item is not None and seconds > 0:
            self._mark([item.path], seconds=item.marks.seconds + seconds)

    def _on_document(self) -> None:
        document = self._context.state.document
        path = document.path if document is not None else None
        if path != self._timed:
            self.pause()
            self._timed = path
