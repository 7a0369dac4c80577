"""Keeping the working set: what changes goes to the journal, and what an earlier time has left comes back."""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.files import display_path
from core.resources import sample_path
from core.session.journal import AbandonedJournal, Journal, kept_log, remove_journal
from core.session.journal_state import (
    edits_entry,
    entries_of,
    facts_entry,
    layer_entry,
    list_entry,
    map_entry,
    steps_entry,
)
from core.session.records import LAYERS, EditsRecord, PhotoRecord, PhotoRef
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.exported import ExportedController
from serr_gui.controllers.photos import PhotoController
from serr_gui.controllers.session_task import SessionTask
from serr_gui.controllers.workers import Failure
from serr_gui.model.keeping import Tracked, Written, common_steps, edits_record, journals_folder, record_of, step_record
from serr_gui.model.notices import Notice, NoticeChoice
from serr_gui.model.state import PhotoItem
from serr_gui.tasks import keeping as tasks

_DELAY_MS = 200
"""After a change of the list; strokes are handed over at once."""


class KeepingController(QObject):
    """Follows the state and writes it down; asks, at the start, what to do with the work of a window that has ended."""

    _diskTold = Signal(str)
    restored = Signal()

    def __init__(
        self, context: ControllerContext, photos: PhotoController, exported: ExportedController, task: SessionTask
    ) -> None:
        super().__init__(context)
        self._context = context
        self._photos = photos
        self._exported = exported
        self._task = task
        self._diskTold.connect(self._on_disk_told)
        self.journal = Journal(journals_folder(), self._diskTold.emit)
        self._written = Tracked()
        self._refs: dict[Path, PhotoRef] = {}
        self._left: list[AbandonedJournal] = []
        self._closed = False
        self._waits = False
        self._missed: set[Path] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.write)
        events = context.state.events
        for event in (events.photos, events.current):
            event.connect(self._write_later)
        for event in (events.document, events.editing):
            event.connect(self._write_strokes)

    def note_steps(self, paths: Sequence[Path]) -> None:
        """Steps of Undo of photographs have changed that need not be on the screen."""
        self._missed.update(paths)
        self._write_later()

    @property
    def keeps(self) -> bool:
        """Whether what is not exported comes back at the next start."""
        return not self.journal.problem

    def close(self) -> None:
        """Write what is left to write, and wait for it as far as the disk takes it."""
        if not self._closed:
            self._waits = False  # what is still being read does not come any more
            self.write()
            self._timer.stop()
            self._closed = True
            self.journal.close(timeout_s=300.0)

    # What an earlier time has left

    def look_back(self) -> None:
        """Look for the work of windows that have ended, and ask about it."""
        self._context.workers.start("look-back", tasks.find_abandoned, succeeded=self._on_abandoned)

    def _on_abandoned(self, found: tuple[AbandonedJournal, ...]) -> None:
        for left in (left for left in found if not left.photos):
            text = self.tr("Work from last time cannot be read: {problem}. It stays where it is.")
            self._context.notify("warning", text.format(problem=left.problem), folder=left.folder)
        self._left = [left for left in found if left.photos]
        self._ask()

    def _ask(self) -> None:
        if not self._left:
            return
        left = self._left[0]
        unsaved, count = len(left.unsaved), len(left.photos)
        if unsaved == 1:
            text = self.tr("One photograph from last time has work that is not exported. Continue with it?")
        elif unsaved:
            text = self.tr("{unsaved} photographs from last time have work that is not exported. Continue with them?")
        elif count == 1:
            text = self.tr("One photograph was open last time. Continue with it?")
        else:
            text = self.tr("{count} photographs were open last time. Continue with them?")
        text = text.format(unsaved=unsaved, count=count)
        details = ""
        if left.problem:
            text += " " + self.tr("A part of it cannot be read.")
            details = self.tr(
                "The record of what was done cannot be read as a whole: {problem}. What stands before that place is "
                "continued with. The record itself is kept afterwards, as {name}."
            ).format(problem=left.problem, name=display_path(kept_log(left.folder)))
        choices = (
            NoticeChoice(self.tr("Continue"), "continue", left.folder),
            NoticeChoice(self.tr("Start Empty"), "start empty", left.folder),
        )
        self._context.notify("warning" if details else "info", text, details, choices=choices)

    def left_behind(self, folder: Path) -> AbandonedJournal | None:
        """The work that a notice asks about."""
        return next((left for left in self._left if left.folder == folder), None)

    def dismiss(self, notice: Notice) -> None:
        """Take the question away; what it is about stays where it is, for the next start."""
        self._context.dismiss(notice)

    def start_empty(self, notice: Notice, folder: Path, *, delete: bool) -> None:
        """Leave the work of the last time where it is, or delete it."""
        self._context.dismiss(notice)
        known = self.left_behind(folder)
        self._left = [left for left in self._left if left.folder != folder]
        if delete:
            remove_journal(folder, keep_log=known is not None and bool(known.problem))
        self._ask()

    def continue_work(self, notice: Notice, folder: Path) -> None:
        """Bring back the photographs of the last time with all that was done to them."""
        left = self.left_behind(folder)
        if left is None or self._waits:
            return
        self._context.dismiss(notice)
        self._waits = True
        self._task.begin(
            "restore",
            "restore",
            partial(tasks.take_over, self.journal, left),
            name="",
            succeeded=partial(self._on_restored, left),
            failed=self._on_restore_failed,
            cancelled=self._on_restore_cancelled,
        )

    def _on_restored(self, left: AbandonedJournal, outcome: "tasks.TakenOver") -> None:
        self._left.remove(left)
        current = left.photos[left.current].photo.path if 0 <= left.current < len(left.photos) else None
        both = self.put_back(outcome.photos, current)
        self._context.workers.start("restore-end", lambda _monitor: outcome.finish(not both))
        if both:
            text = self.tr(
                "{count} photographs were corrected in this window, too: its corrections are shown, and the others are "
                "offered again at the next start."
            )
            self._context.notify("warning", text.format(count=both))
        self._ask()
        self.restored.emit()

    def hold(self, held: bool) -> None:
        """While photographs of an earlier time are being read, the list is not written: it is not whole."""
        self._waits = held
        if not held:
            self._write_later()  # what was done meanwhile

    def put_back(
        self, photos: "Sequence[tasks.Restored]", current: Path | None, instead_of: Sequence[Path] = ()
    ) -> int:
        """Put photographs of an earlier time into the list and the journal, and show one of them.

        ``instead_of`` : photographs of the list that are closed for them. How many were corrected in this window, too,
        and are left as they are.
        """
        if instead_of:
            self._photos.close_photos(instead_of)
            self.journal.put(list_entry([item.path for item in self._context.state.photos], -1, ""))
            for path in instead_of:
                self._written.photos.pop(path, None)
                self._refs.pop(path, None)
        records, both = self._put_restored(photos)
        self._waits = False
        listed = [item.path for item in self._context.state.photos]
        self.journal.put(list_entry(listed, -1, ""))
        for record in records:
            kept_here = record if self.journal.holds(record.map) else replace(record, map=None)
            self.journal.put(*entries_of(kept_here))
        self.write()
        shown = self._context.state.item
        if shown is not None and any(one.kept.item is shown for one in photos):
            self._photos.select(self._context.state.current)  # with what is known of it now
        elif shown is None and records:
            self._photos.select(listed.index(current) if current in listed else 0)
        return both

    def records(self) -> tuple[PhotoRecord, ...]:
        """All photographs of the list as they are now; without results, which are in the store."""
        store = self._context.store
        return tuple(
            replace(
                record_of(item, self._ref(item.path)),
                edits=edits_record(store.edits(item.path), store.history(item.path)),
            )
            for item in self._context.state.photos
        )

    def _on_restore_cancelled(self) -> None:
        self.hold(False)
        self._ask()

    def _on_restore_failed(self, failure: Failure) -> None:
        self.hold(False)
        self._context.fail(self.tr("The work from last time cannot be restored."), failure)

    def _put_restored(self, photos: "Sequence[tasks.Restored]") -> tuple[list[PhotoRecord], int]:
        """Into the list and the store; a photograph that is open already and was corrected since keeps that.

        The records of those that were put there, and how many others have work that was not.
        """
        state, store = self._context.state, self._context.store
        items, both = {item.path: item for item in state.photos}, 0
        taken: list[PhotoRecord] = []
        for one in photos:
            kept, path = one.kept, one.kept.item.path
            if path in items and store.edits(path) is not None:
                both += kept.edits is not None or kept.record.unsaved
                continue
            items[path] = kept.item
            taken.append(kept.record)
            self._refs[path] = kept.record.photo
            if one.load is not None or kept.edits is not None or kept.history.steps:
                store.put_kept(path, one.load, kept.edits, kept.history)
            steps, done = kept.history.steps, kept.history.done
            self._written.photos[path] = Written(
                kept.item, kept.record.photo, kept.item.made_by, None, steps, done, kept.edits is not None
            )
        shown = state.item
        state.photos = tuple(items.values())
        if shown is not None:
            state.current = next(index for index, item in enumerate(state.photos) if item.path == shown.path)
        return taken, both

    # Writing

    def _write_later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def write(self) -> None:
        """Hand over to the journal what has changed since the last time."""
        if self._waits:
            return
        state, written = self._context.state, self._written
        items = self._kept_items()
        order = tuple(item.path for item in items)
        current = state.item
        place = order.index(current.path) if current is not None and current.path in order else -1
        if (order, place) != (written.order, written.current):
            written.order, written.current = order, place
            self.journal.put(list_entry(order, place, ""))
            listed = set(order)
            for path in [path for path in written.photos if path not in listed]:
                del written.photos[path]
                self._refs.pop(path, None)
        for item in items:
            known = written.photos.get(item.path)
            if known is None or known.item is not item:
                self._write_item(item)
        self._write_strokes()
        self._write_missed()
        self._exported.look()

    def _kept_items(self) -> list[PhotoItem]:
        """The photographs of the list; the sample only where somebody has worked on it."""
        history = self._context.store.history
        items, sample = self._context.state.photos, sample_path()
        return [item for item in items if item.path != sample or item.corrected or history(item.path).steps]

    def _write_item(self, item: PhotoItem) -> None:
        known = self._written.photos.setdefault(item.path, Written())
        ref = self._ref(item.path)
        record = record_of(item, ref)
        if known.item is None or known.ref != ref or record_of(known.item, ref) != record:
            self.journal.put(facts_entry(record))
        for name in LAYERS:
            layer = getattr(record, name)
            if layer != (getattr(record_of(known.item, ref), name) if known.item is not None else None):
                self.journal.put(layer_entry(item.path, name, layer))
        if known.ref is not None and known.ref.shape is not None and known.ref != ref:
            known.made_by, known.edits, known.steps, known.done, known.has_codes = None, None, (), 0, False
        known.item, known.ref = item, ref
        is_on_disk = (
            item.made_by is not None and item.made_by is self._exported.made_by.get(item.path) and not item.unsaved
        )
        if item.made_by is not known.made_by and not is_on_disk:
            known.made_by = item.made_by
            if item.made_by is None:
                self.journal.put(map_entry(item.path, ""))
            else:
                self.journal.put_result(item.path, partial(tasks.files_of_result, item.path, self._context.store))

    def _ref(self, path: Path) -> PhotoRef:
        """Which pixels the work on a photograph belongs to: those of its result, its corrections, or the screen."""
        store, document = self._context.store, self._context.state.document
        result = store.in_memory(path)
        edits = store.edits(path) if result is None else None
        if result is not None:
            image = result.segmentation.image
            self._refs[path] = PhotoRef(path, image.sha256, image.shape)
        elif edits is not None:
            self._refs[path] = PhotoRef(path, edits.sha256, edits.shape)
        elif document is not None and document.path == path and not store.has(path):
            self._refs[path] = PhotoRef(path, document.image.sha256, document.image.shape)
        return self._refs.get(path, PhotoRef(path))

    def _write_strokes(self) -> None:
        """Hand over what has happened to the mask on the screen, in the moment in which it has come to rest."""
        document, written = self._context.state.document, self._written
        if document is None:
            return
        if self._waits:
            self._missed.add(document.path)
            return
        path, store = document.path, self._context.store
        edits = document.result.edits if document.result is not None else None
        has_codes = bool(edits) or (document.result is None and store.edits(path) is not None)
        history, known = store.history(path), written.photos.get(path, Written())
        steps, done = history.steps, history.done
        is_same = edits is known.edits_object and has_codes == known.has_codes
        if is_same and done == known.done and len(steps) == len(known.steps) and steps[-1:] == known.steps[-1:]:
            return
        if path not in written.order:
            if any(item.path == path for item in self._kept_items()):
                self.write()  # it comes back here, with the photograph in the list
            return
        known = written.photos[path]
        if edits is not None and edits is known.edits_object:
            drop, keep = common_steps(known.steps, steps)
            new = tuple(step_record(step) for step in steps[keep - drop :])
            self.journal.put(steps_entry(path, drop, keep, new, done))
        else:
            record = edits_record(store.edits(path), history) or EditsRecord()
            self.journal.put(edits_entry(self._ref(path), record))
            known.edits = weakref.ref(edits) if edits is not None else None
        known.steps, known.done, known.has_codes = steps, done, has_codes

    def _write_missed(self) -> None:
        """Corrections of photographs that were on the screen while nothing was written, and are not any more."""
        missed, self._missed = self._missed, set()
        document, store = self._context.state.document, self._context.store
        for path in missed & set(self._written.order) - {document.path if document is not None else None}:
            history, known = store.history(path), self._written.photos[path]
            if (known.steps, known.done) == (history.steps, history.done):
                continue
            record = edits_record(store.edits(path), history) or EditsRecord()
            self.journal.put(edits_entry(self._ref(path), record))
            known.edits, known.has_codes = None, bool(record.codes)
            known.steps, known.done = history.steps, history.done

    def _on_disk_told(self, problem: str) -> None:
        """The disk fails, or takes what is written again."""
        notices = self._context.state.notices
        for notice in notices:
            if notice.until == "disk":
                self._context.dismiss(notice)
        if problem:
            reason = problem.rpartition(": ")[2].partition(". ")[0].rstrip(".")
            text = self.tr("Your work is kept in memory only: {reason}. It is written as soon as that is solved.")
            self._context.notify("error", text.format(reason=reason), problem, until="disk")
        else:
            self._context.notify("success", self.tr("Your work is on the disk again."), until="work")
