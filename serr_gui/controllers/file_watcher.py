"""Notices when the file of the photograph on the screen changes on the disk, and asks what to do."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.files import display_path, file_sha256, file_stamp
from core.progress import Monitor
from serr_gui.controllers.context import ControllerContext
from serr_gui.model.notices import Notice, NoticeChoice
from serr_gui.model.result_store import GONE, Stamp
from serr_gui.model.state import Document, TaskStatus


@dataclass(frozen=True, slots=True)
class _Seen:
    """The state of a file: its size and time, and the hash of its bytes, None where it is the trusted one or gone."""

    stamp: Stamp
    sha256: str | None = None


class FileWatcher(QObject):
    """Looks at the file when the window comes to the front, when a photograph is shown, and before long work.

    Size and time of change come first; only where they are new the bytes are hashed. Nothing stops meanwhile: what was
    opened stays in memory, and results belong to it.
    """

    reloadRequested = Signal(Path)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._settled: dict[Path, tuple[str | None, Stamp]] = {}
        self._asked: dict[Path, Stamp] = {}
        """The states of files about which a person is asked: *Keep* is about that one, whatever has happened since."""
        self._works = False
        context.state.events.task.connect(self._on_job)

    def trust(self, document: Document, stamp: Stamp) -> None:
        """The photograph is that of the file in this state, or a person keeps it whatever the file is now."""
        self._settled[document.path] = (document.image.sha256, stamp)

    def check(self) -> None:
        """Compare the photograph on the screen with its file, in a thread."""
        document = self._context.state.document
        if document is None or document.image.sha256 is None:
            return
        settled = self._settled.get(document.path)
        known = settled[1] if settled is not None and settled[0] == document.image.sha256 else None
        self._context.workers.start(
            "watch", partial(_look, document.path, known), succeeded=partial(self._on_looked, document)
        )

    def choose(self, notice: Notice, choice: NoticeChoice) -> None:
        """Do what a person chose in the notice."""
        self._context.dismiss(notice)
        if choice.request == "reload":
            self._settled.pop(choice.path, None)
            self.reloadRequested.emit(choice.path)
            return
        document = self._context.state.document
        if document is not None and document.path == choice.path:
            self.trust(document, self._asked[choice.path])

    def _on_job(self, job: TaskStatus | None) -> None:
        if job is not None and not self._works:
            self.check()
        self._works = job is not None

    def _on_looked(self, document: Document, outcome: _Seen) -> None:
        now = self._context.state.document
        if now is None or now.image is not document.image:
            return
        settled = self._settled.get(document.path)
        if settled == (document.image.sha256, outcome.stamp):
            return
        if outcome.sha256 == document.image.sha256:
            self.trust(document, outcome.stamp)
            return
        name = display_path(document.path.name)
        if outcome.stamp == GONE:
            text = self.tr("{name} was deleted or moved since it was opened. What is shown can still be used.")
            choices: tuple[NoticeChoice, ...] = ()
            self.trust(document, outcome.stamp)
        else:
            text = self.tr("{name} has changed on the disk since it was opened. Reload it, or keep what is shown.")
            if now.result is not None:
                text = self.tr(
                    "{name} has changed on the disk since it was opened. Reload it (its result is then dropped), or "
                    "keep what is shown."
                )
            if now.result is not None and now.result.edits:
                text = self.tr(
                    "{name} has changed on the disk since it was opened. Reload it (its result and your corrections "
                    "are then dropped), or keep what is shown."
                )
            self._asked[document.path] = outcome.stamp
            choices = (
                NoticeChoice(self.tr("Reload"), "reload", document.path),
                NoticeChoice(self.tr("Keep"), "keep", document.path),
            )
        self._context.notify("warning", text.format(name=name), until="photo", choices=choices)


def _look(path: Path, known: Stamp | None, _monitor: Monitor) -> _Seen:
    stamp = file_stamp(path) or GONE
    return _Seen(stamp) if stamp in {known, GONE} else _Seen(stamp, file_sha256(path))
