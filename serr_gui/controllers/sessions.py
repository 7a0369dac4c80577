"""Session files: what a person saves and opens again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.files import display_path
from core.session.records import MapPlace, SessionRecord, ViewRecord
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.keeping import KeepingController
from serr_gui.controllers.session_task import SessionTask
from serr_gui.controllers.workers import Failure
from serr_gui.model.settings import RECENT_LIMIT
from serr_gui.model.state import PhotoItem
from serr_gui.tasks import sessions as tasks


class SessionController(QObject):
    """``viewAsked`` carries a ``ViewRecord``: where the photograph that has just come was looked at."""

    viewAsked = Signal(object)

    def __init__(self, context: ControllerContext, keeping: KeepingController, task: SessionTask) -> None:
        super().__init__(context)
        self._context = context
        self._keeping = keeping
        self._task = task
        self._view: tuple[Path, ViewRecord] | None = None
        context.state.events.document.connect(self._on_document)

    def save(self, path: Path, view: ViewRecord | None, *, embed: bool) -> None:
        """Write everything to a session file. ``view`` : where the photograph on the screen is looked at."""
        state = self._context.state
        self._context.finishSteps.emit()
        records = self._keeping.records()
        shown = state.item.path if state.item is not None else None
        photos = tuple(replace(record, view=view) if record.photo.path == shown else record for record in records)
        session = SessionRecord(photos, state.current, state.observer)
        done = frozenset(item.path for item in state.photos if item.status == "done")
        items = state.photos
        name = display_path(path.name)
        self._task.begin(
            "save_session",
            f"save-session {path}",  # to another file is other work
            partial(tasks.save_session, tasks.Saving(path, session, done, embed), self._context.store),
            name=name,
            succeeded=partial(self._on_saved, path, embed, items),
            failed=partial(self._context.fail, self.tr("The session could not be saved.")),
            cancelled=partial(self._tell_cancelled, self.tr("Saving {name} was cancelled."), name),
            completes=True,
        )

    def open(self, path: Path, instead_of: Sequence[Path] = ()) -> None:
        """Put the photographs of a session into the list, with everything that was done to them.

        ``instead_of`` : photographs that are closed as soon as those of the session are here, and not before.
        """
        self._keeping.hold(True)
        brought: list[MapPlace] = []
        name = display_path(path.name)
        self._task.begin(
            "open_session",
            "open-session",
            partial(tasks.open_session, path, self._keeping.journal, brought),
            name=name,
            succeeded=partial(self._on_opened, instead_of),
            failed=partial(self._on_open_failed, brought),
            cancelled=partial(self._on_open_cancelled, brought, name),
        )

    def _on_saved(self, path: Path, embed: bool, items: Sequence[PhotoItem], problems: tuple[str, ...]) -> None:
        state = self._context.state
        state.session, state.session_embeds = path, embed
        self._add_recent(path)
        same = {id(item) for item in items}  # but for those that were worked on meanwhile
        for item in state.photos:
            if id(item) in same:
                self._context.store.history(item.path).set_clean()
        state.photos = tuple(
            replace(item, unsaved=False) if item.unsaved and id(item) in same else item for item in state.photos
        )
        text = self.tr("{name} is saved.").format(name=display_path(path.name))
        kind = "warning" if problems else "success"
        self._context.notify(kind, " ".join((text, *problems)), folder=path.parent, until="work")  # type: ignore[arg-type]

    def _on_opened(self, instead_of: Sequence[Path], outcome: tasks.OpenedPhotos) -> None:
        state = self._context.state
        if outcome.current is not None and outcome.view is not None:
            self._view = (outcome.current, outcome.view)
        both = self._keeping.put_back(outcome.photos, outcome.current, instead_of)
        state.session = outcome.path
        self._add_recent(outcome.path)
        name = display_path(outcome.path.name)
        for problem in outcome.problems:
            self._context.notify("warning", f"{name}: {problem}")
        if both:
            text = self.tr("{count} photographs of {name} were corrected in this window already: that is kept.")
            self._context.notify("warning", text.format(count=both, name=name))

    def _on_open_failed(self, brought: Sequence[MapPlace], failure: Failure) -> None:
        self._give_up(brought)
        self._context.fail(self.tr("The session cannot be opened."), failure)

    def _on_open_cancelled(self, brought: Sequence[MapPlace], name: str) -> None:
        self._give_up(brought)
        self._tell_cancelled(self.tr("Opening {name} was cancelled."), name)

    def _give_up(self, brought: Sequence[MapPlace]) -> None:
        """Nothing comes of what was begun: everything is as it was."""
        self._keeping.journal.discard_results(brought)
        self._keeping.hold(False)

    def _tell_cancelled(self, text: str, name: str) -> None:
        self._context.notify("info", text.format(name=name), until="work")

    def _on_document(self) -> None:
        document = self._context.state.document
        if document is not None and self._view is not None and document.path == self._view[0]:
            view, self._view = self._view[1], None
            QTimer.singleShot(0, self, lambda: self.viewAsked.emit(view))  # after the canvas has got the photograph

    def _add_recent(self, path: Path) -> None:
        recent = self._context.state.recent
        self._context.state.recent = tuple(dict.fromkeys((path.absolute(), *recent)))[:RECENT_LIMIT]
