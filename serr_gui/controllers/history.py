"""Undo and Redo: the steps of the photograph on the screen, whatever they have changed."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.resources import sample_path
from core.session.records import StepKind
from serr_gui.controllers.context import ControllerContext
from serr_gui.model.editing import EditStep
from serr_gui.model.selectors import may_undo

Applier = Callable[[Path, EditStep, bool], bool]
"""Takes a step back, or where the last value is False makes it again; says whether that could be done."""

_OUTSIDE_RESULT: frozenset[StepKind] = frozenset({"fov", "field_of_view"})
"""Steps that change what the next run uses, and nothing that an export would write."""


class HistoryController(QObject):
    """Who changes something that can be undone pushes a step, and registers how steps of that kind are applied.

    ``beforeStep`` comes before a step is applied: what is half done ends. ``movedElsewhere`` carries the paths of
    photographs whose steps have changed although they need not be on the screen.
    """

    beforeStep = Signal()
    movedElsewhere = Signal(object)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._appliers: dict[StepKind, Applier] = {}
        self._slow: set[StepKind] = set()
        self._finish: Callable[[], None] | None = None
        self._waiting: list[Callable[[], object]] = []
        context.state.events.document.connect(self.refresh)
        context.finishSteps.connect(self.finish_steps)

    def register(self, kind: StepKind, applier: Applier, *, slow: bool = False) -> None:
        """How steps of a kind are applied. ``slow`` : it may begin work, whose end others wait for."""
        self._appliers[kind] = applier
        if slow:
            self._slow.add(kind)

    def push(self, path: Path, step: EditStep, *, merge: bool = False) -> None:
        """Take a step that was made; ``merge`` : it continues with what the last step began, and takes its place."""
        self._context.store.history(path).push(step, merge=merge)
        self.refresh()

    def push_all(self, steps: Mapping[Path, EditStep]) -> None:
        """Take a step that was made of each of several photographs, whichever is on the screen."""
        for path, step in steps.items():
            self._context.store.history(path).push(step)
        self.movedElsewhere.emit(tuple(steps))
        self.refresh()

    def undo_all(self, steps: Collection[Path]) -> frozenset[Path]:
        """Count the last step of each of several photographs as taken back; those that are as they were saved."""
        histories = {path: self._context.store.history(path) for path in steps}
        for history in histories.values():
            history.undo()
        self.movedElsewhere.emit(tuple(steps))
        self.refresh()
        return frozenset(path for path, history in histories.items() if history.is_clean)

    def undo(self) -> None:
        self._move(back=True)

    def redo(self) -> None:
        self._move(back=False)

    def go_to(self, done: int) -> None:
        """Take steps back, or make them again, until so many are done; work that a step begins ends it early."""
        document = self._context.state.document
        if document is None:
            return
        if self._is_held():
            self._waiting.append(partial(self.go_to, done))
            return
        history = self._context.store.history(document.path)
        while history.done != done:
            step = self._move(back=history.done > done)
            if self._is_held():
                self._waiting.insert(0, partial(self.go_to, done))
                break
            if step is None or (step.kind in self._slow and self._context.state.task is not None):
                break

    def hold(self, finish: Callable[[], None]) -> None:
        """A step is being applied in a thread: what is asked for meanwhile waits for ``release``.

        ``finish`` waits for the thread, and has called ``release`` when it returns.
        """
        self._finish = finish

    def release(self, take: Callable[[], None]) -> None:
        """The thread has ended, and ``take`` takes its outcome: what waited for that follows."""
        self._finish = None
        take()
        while self._waiting and not self._is_held():
            self._waiting.pop(0)()

    def finish_steps(self) -> None:
        """Wait for the step that is being applied, and for all that were asked for since."""
        while self._finish is not None:
            self._finish()

    def _is_held(self) -> bool:
        return self._finish is not None

    def revert(self, path: Path, *, back: bool) -> None:
        """The work that a step has begun has failed: the step counts as not applied."""
        history = self._context.store.history(path)
        if back:
            history.redo()
        else:
            history.undo()
        self.refresh()

    def _move(self, *, back: bool) -> EditStep | None:
        state, document = self._context.state, self._context.state.document
        if document is None or not may_undo(state):
            return None
        if self._is_held():
            self._waiting.append(partial(self._move, back=back))
            return None
        self.beforeStep.emit()
        history = self._context.store.history(document.path)
        step = history.undo() if back else history.redo()
        if step is None:
            return None
        if not self._appliers[step.kind](document.path, step, back):
            self.revert(document.path, back=back)
            return None
        if history.is_clean:
            self._context.set_item(document.path, unsaved=False)
        elif step.kind not in _OUTSIDE_RESULT and document.path != sample_path():
            self._context.set_item(document.path, unsaved=True)
        self.refresh()
        return step

    def refresh(self) -> None:
        """Show what Undo and Redo would do now."""
        state = self._context.state
        document = state.document
        history = self._context.store.history(document.path) if document is not None else None
        state.editing = state.editing.with_history(history)
