"""What the parts of the controller share: the state, the results, the jobs, and the notices."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from core.resources import sample_path
from core.threshold_rule import ThresholdRule
from serr_gui.controllers.workers import Failure, WorkerPool
from serr_gui.model.notices import Notice, NoticeChoice, NoticeKind, Until
from serr_gui.model.result_store import ResultStore
from serr_gui.model.rule_selectors import model_rule, model_styles, style_rule
from serr_gui.model.state import AppState, PhotoItem
from serr_gui.tasks.pending import PendingWrites

_NOTICE_LIMIT = 50

T = TypeVar("T")


class ControllerContext(QObject):
    """``settled`` tells that opening has come to an end or a model is chosen, so that what waited may begin.

    ``finishSteps`` asks that a step of Undo which is being applied in a thread is finished now: what comes next was
    asked for after it.

    ``pending`` : what ``keep`` was given and is not written yet. ``segment_when_ready``: the photograph that is being
    opened shall be segmented as soon as it and a model are there.
    """

    settled = Signal()
    finishSteps = Signal()

    def __init__(self, state: AppState, store: ResultStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.store = store
        self.workers = WorkerPool(self)
        self.pending = PendingWrites()
        self.segment_when_ready = False
        self._looks = 0

    def look(self, at: Callable[[], T], then: Callable[[T], None]) -> None:
        """Ask the disk something beside the window, which continues with the answer: a slow share takes seconds."""
        self._looks += 1
        self.workers.start(
            f"look {self._looks}",  # none ends another
            lambda _monitor: at(),
            succeeded=then,
            failed=partial(self.fail, self.tr("A file or folder could not be looked at.")),
        )

    def notify(
        self,
        kind: NoticeKind,
        text: str,
        details: str = "",
        folder: Path | None = None,
        *,
        until: Until = "",
        choices: tuple[NoticeChoice, ...] = (),
    ) -> None:
        """Show a sentence in the window. The same sentence again only comes to the top."""
        kept = tuple(notice for notice in self.state.notices if notice.text != text)
        self.state.notices = (*kept, Notice(kind, text, details, folder, until, choices))[-_NOTICE_LIMIT:]

    def forget_notices(self, until: Until) -> None:
        """Take away the sentences that have grown old."""
        kept = tuple(notice for notice in self.state.notices if notice.until != until)
        if len(kept) < len(self.state.notices):
            self.state.notices = kept

    def dismiss(self, notice: Notice) -> None:
        self.state.notices = tuple(other for other in self.state.notices if other is not notice)

    def fail(self, sentence: str, failure: Failure, until: Until = "") -> None:
        """Show a failed job: its own sentence, or ``sentence`` where it is a bug."""
        if failure.expected:
            self.notify("error", failure.sentence, failure.details, until=until)
        else:
            fault = self.tr("This is a bug in SERR Fundus ({kind}). Your files were not changed.")
            self.notify("error", f"{sentence} {fault.format(kind=failure.sentence)}", failure.details, until=until)

    def set_item(self, path: Path, **changes: object) -> None:
        """Change a line of the folder strip."""

        def changed(item: PhotoItem) -> PhotoItem:
            return replace(item, **changes) if item.path == path else item  # type: ignore[arg-type]

        self.state.photos = tuple(changed(item) for item in self.state.photos)

    def keep(self, write: Callable[[], None]) -> None:
        """Write something down for the next start (``label_choices``) beside the window; a failure costs a notice."""
        self.pending.add(write)
        self.workers.start(
            "keep",
            lambda _monitor: self.pending.write_all(),
            succeeded=lambda _none: self._tell_problems(),
            failed=partial(self.fail, self.tr("The settings could not be written.")),
            completes=True,
        )

    def _tell_problems(self) -> None:
        for problem in self.pending.take_problems():
            self.notify("warning", problem)

    def set_rule(self, rule: ThresholdRule) -> None:
        """Give the photograph on the screen a threshold: its line keeps it, and ``state.rule`` follows."""
        state = self.state
        document, item = state.document, state.item
        if document is not None and document.result is not None and item is not None and item.path == document.path:
            own = document.result.segmentation.card.rule
            kept = None if rule == own else rule
            unsaved = item.unsaved or document.path != sample_path()
            if (item.rule, item.unsaved) != (kept, unsaved):
                self.set_item(document.path, rule=kept, unsaved=unsaved)
            self.follow_rule()
        else:
            state.rule = rule

    def follow_rule(self) -> None:
        """``state.rule`` is that of the photograph's line, or else its model's own: the only place that derives it.

        Where there is no result yet, it is what the result will have.
        """
        state = self.state
        kept = state.item.rule if state.item is not None else None
        if kept is None and state.result is None:
            kept = style_rule(model_styles(state), state.draw_like)
        state.rule = kept or model_rule(state) or state.rule
