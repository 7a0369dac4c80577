"""Runs of the network and exports: the long work, one at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.files import display_path
from core.progress import Monitor
from core.resources import sample_path
from core.session.packing import packed_bits
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.history import HistoryController
from serr_gui.controllers.workers import Failure
from serr_gui.model.editing import EditHistory, EditStep
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.notices import NoticeChoice, NoticeKind
from serr_gui.model.result import Result
from serr_gui.model.rule_selectors import rule_of_new_result
from serr_gui.model.selectors import may_export, without_result
from serr_gui.model.state import MadeBy, PhotoItem


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the export dialog asks for."""

    items: tuple[tasks.ExportItem, ...]
    folder: Path
    options: ExportOptions


def _nothing() -> None:
    """Where nothing follows."""


class SegmentationController(QObject):
    """Segments and exports photographs, and puts the outcomes into the state."""

    def __init__(
        self,
        context: ControllerContext,
        foreground: ForegroundTask,
        beside: ForegroundTask,
        history: HistoryController,
    ) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        self._long, self._beside = foreground, beside
        self._exporting = foreground
        self._written = 0
        self._not_written: list[tuple[Path, str]] = []
        self.model_cache = tasks.ModelCache()
        self._done = 0
        self._problems: list[tuple[Path, str]] = []
        self._changed: list[str] = []

    def segment(
        self,
        then: Callable[[], None] = _nothing,
        otherwise: Callable[[], None] = _nothing,
        *,
        by_history: bool = False,
    ) -> None:
        """Find the vessels of the chosen photograph; where it is still being opened, as soon as it is there.

        ``then`` follows where there is a new result, ``otherwise`` where that failed or was cancelled. ``by_history`` :
        as in ``take_result``.
        """
        state = self._context.state
        self._context.finishSteps.emit()
        if state.opening is not None:
            self._context.segment_when_ready = True
            return
        document = state.document
        if document is None or document.fov is None or state.model is None or state.task is not None:
            otherwise()
            return

        def segment(monitor: Monitor) -> tasks.Carried:
            found = tasks.segment_document(document, fov, options, self.model_cache, monitor)
            return tasks.carry(document.path, found, self._context.store)

        def segmented(outcome: tasks.Carried) -> None:
            self.take_result(document.path, outcome, by_history=by_history)
            then()

        def failed(failure: Failure) -> None:
            text = self.tr("{name} could not be segmented.").format(name=display_path(document.path.name))
            self._context.fail(text, failure, until="work")
            otherwise()

        fov, options = document.fov, tasks.RunOptions(state.model, state.device, state.run)
        self._long.begin(
            "segment",
            segment,
            name=display_path(document.path.name),
            noted=_in_the_result,
            succeeded=segmented,
            failed=failed,
            cancelled=otherwise,
        )

    def segment_all(self) -> None:
        """Find the vessels of all photographs that have no result yet."""
        self.segment_items(without_result(self._context.state))

    def segment_items(self, items: Sequence[PhotoItem], then: Callable[[], None] | None = None) -> None:
        """Find the vessels of some photographs, again where they have a result; ``then`` follows where all are done."""
        state = self._context.state
        self._context.finishSteps.emit()
        if not items or state.model is None or state.task is not None:
            return

        def done(_none: object) -> None:
            self._end_batch(len(items), cancelled=False)
            if then is not None and not self._problems:
                then()

        options = tasks.RunOptions(state.model, state.device, state.run)
        self._done, self._problems = 0, []
        self._long.begin(
            "batch",
            lambda monitor: tasks.segment_many(items, options, self.model_cache, self._context.store, monitor),
            items=len(items),
            noted=_in_the_result,
            succeeded=done,
            cancelled=lambda: self._end_batch(len(items), cancelled=True),
            partial_result=self._on_batch_part,
            failed=partial(self._context.fail, self.tr("The photographs could not be segmented.")),
        )

    def cancel(self) -> None:
        """Ask the running work to end."""
        (self._long if self._long.status is not None else self._beside).cancel()

    def cancel_beside(self) -> None:
        """Ask the work beside it to end."""
        self._beside.cancel()

    def pause(self) -> None:
        """Hold the running work, or let it continue."""
        self._long.pause()

    def export(self, request: ExportRequest) -> None:
        """Write results as files; alongside other work where that is running."""
        if not may_export(self._context.state):
            return
        self._exporting = self._long if self._long.status is None else self._beside
        options = request.options
        choices = replace(options.choices(), mask_colour=self._context.state.view.mask_colour)
        count = len(request.items)
        self._written, self._not_written, self._changed = 0, [], []
        self._exporting.begin(
            "export",
            lambda monitor: tasks.export_many(request.items, request.folder, choices, self._context.store, monitor),
            items=count,
            partial_result=partial(self._on_export_part, options),
            succeeded=lambda _none: self._end_export(request, cancelled=False),
            cancelled=lambda: self._end_export(request, cancelled=True),
            failed=partial(self._context.fail, self.tr("The files could not be written.")),
        )

    def take_result(self, path: Path, carried: tasks.Carried, *, by_history: bool = False) -> None:
        """Keep a new result with the corrections by hand, and show it if its photograph is on the screen.

        ``by_history`` : by Undo or Redo, which take no step for it and say nothing.
        """
        state = self._context.state
        if all(item.path != path for item in state.photos):  # closed meanwhile
            return
        result = self._with_corrections(path, carried, says_so=not by_history)
        if result is None:
            return
        segmentation = result.segmentation
        state.device_used = result.device
        nothing_found = (doubt.text for doubt in segmentation.doubts if doubt.kind == "hardly_any_vessel")
        for note in () if by_history else (*segmentation.notes, *nothing_found):
            self._context.notify("info", note, until="work")
        is_shown = state.document is not None and state.document.path == path
        found_in = segmentation.fov
        drawn = packed_bits(found_in.inside) if found_in.origin == "edited" else b""
        tta = segmentation.options.tta
        made_by = MadeBy(result.model, result.model_path, found_in.origin, found_in.source, tta, drawn)
        item = next(item for item in state.photos if item.path == path)
        before, rule = item.made_by, rule_of_new_result(state, item, result)
        if item.rule is not None and rule is None:
            text = self.tr("{model} has no drawing style {style}: its own threshold is used.")
            self._context.notify("info", text.format(model=result.model, style=item.rule.style), until="work")
        elif rule is not None and not (rule.style or by_history or before is None or before.path == made_by.path):
            text = self.tr(
                "Thresholds that were set are kept. Levels of models differ: Model's Own (M) takes that of {model}."
            )
            self._context.notify("info", text.format(model=result.model), until="work")
        self._context.set_item(
            path,
            status="done",
            rule=rule,
            unsaved=path != sample_path() or bool(result.edits),
            corrected=result.is_corrected,
            problem="",
            made_by=made_by,
            doubts=segmentation.doubts,
        )
        if is_shown and state.document is not None:
            fov = state.document.fov
            if fov is None or fov.same_pixels(segmentation.fov):
                fov = segmentation.fov  # a batch finds the same field of view again
            image = state.document.image
            if image.sha256 != segmentation.image.sha256:  # a batch reads the file, which has changed meanwhile
                image, fov = segmentation.image, segmentation.fov
            state.document = replace(state.document, image=image, result=result, fov=fov, fov_problem="")
            self._context.follow_rule()
        self._context.store.history(path).set_clean(False)  # what was saved is not what is there now
        if before is not None and before.path != made_by.path and not by_history:
            self._add_step(path, before, made_by)
        overflow = self._context.store.overflow(keep=state.document.path if state.document else None)
        if overflow and not self._context.workers.busy("spill"):
            self._context.workers.start(
                "spill",
                partial(tasks.spill, overflow, self._context.store),
                failed=partial(self._context.fail, self.tr("Results cannot be moved out of the memory.")),
            )

    def _add_step(self, path: Path, before: MadeBy, made_by: MadeBy) -> None:
        """A result by another model is a step of Undo (``ModelSteps``)."""
        name = self.tr("Model {name}").format(name=made_by.model)
        step = EditStep(name, kind="model", before={"model": str(before.path)}, after={"model": str(made_by.path)})
        self._history.push(path, step)

    def _with_corrections(self, path: Path, carried: tasks.Carried, *, says_so: bool) -> Result | None:
        """Put a new result into the store, with what a hand had corrected in the one before.

        None, and everything is as it was, where those corrections were made on other pixels than these.
        """
        store, name = self._context.store, display_path(path.name)
        if store.corrected(path) is not carried.kept_in:  # they have changed, or were dropped, since they were laid on
            carried = tasks.carry(path, carried.found, store)
        history, result = store.history(path), carried.result
        if result is None:
            text = self.tr(
                "{name} has changed on the disk since it was corrected. The corrections belong to the photograph as it "
                "was, so the new result is not used."
            )
            drop = NoticeChoice(self.tr("Drop the Corrections"), "reload", path)
            self._context.notify("warning", text.format(name=name), until="photo", choices=(drop,))
            return None
        if carried.kept_in is None:
            store.put(path, result)
            return result
        text = self.tr("{name} is segmented again; your corrections ({count} pixels) are kept.")
        if carried.outside:
            history = EditHistory()  # its steps would bring back what is outside
            text += " " + self.tr("Those outside the new field of view are dropped, and the steps of Undo with them.")
        store.put(path, result)
        store.keep_history(path, history)
        if says_so:
            self._context.notify("info", text.format(name=name, count=carried.corrected_px), until="work")
        return result

    def _on_batch_part(self, part: tasks.BatchPart) -> None:
        if isinstance(part, tasks.BatchStep):
            self._long.show_step(part)
        elif isinstance(part, tasks.Segmented):
            if part.result is not None:
                self._done += 1
                self.take_result(part.path, part.result)
            else:
                self._problems.append((part.path, part.problem))
                self._context.set_item(part.path, status="failed", problem=part.problem)

    def _end_batch(self, count: int, *, cancelled: bool) -> None:
        done, problems = self._done, self._problems
        if cancelled and not done:
            text = self.tr("Cancelled: no photograph is segmented.")
        elif cancelled:
            text = self.tr("Cancelled: {done} of {count} photographs are segmented, and their results are kept.")
        else:
            text = self.tr("{done} of {count} photographs are segmented.")
        text = text.format(done=done, count=count)
        if problems:
            text += " " + self.tr("Could not be segmented: {names}.").format(names=_names(problems))
            text += " " + problems[0][1]
        kind: NoticeKind = "warning" if problems else "info" if cancelled else "success"
        details = "\n".join(f"{display_path(path)}: {problem}" for path, problem in problems)
        self._context.notify(kind, text, details, until="work")

    def _on_export_part(self, options: ExportOptions, part: tasks.ExportPart) -> None:
        if isinstance(part, tasks.BatchStep):
            self._exporting.show_step(part)
        elif isinstance(part, tasks.Exported):
            if part.problem:
                self._not_written.append((part.item.path, part.problem))
                return
            self._written += 1
            if part.is_changed:
                self._changed.append(display_path(part.item.path.name))
            keeps_work = options.mask or (options.probability and not part.is_edited)
            now = next((item for item in self._context.state.photos if item.path == part.item.path), None)
            if keeps_work and now is not None and (now.rule, now.measuring) == (part.item.rule, part.item.measuring):
                self._context.set_item(part.item.path, unsaved=False)
                self._context.store.history(part.item.path).set_clean()

    def _end_export(self, request: ExportRequest, *, cancelled: bool) -> None:
        done, problems, count = self._written, self._not_written, len(request.items)
        if count == 1 and problems:
            self._context.notify("error", problems[0][1], until="work")
            return
        name = display_path(request.items[0].path.name)
        if cancelled:
            text = self.tr("Export cancelled: the files of {done} of {count} photographs are written to {folder}.")
        elif not done:
            text = self.tr("Nothing was written to {folder}.")
        elif count == 1:
            text = self.tr("The files of {name} are written to {folder}.")
        else:
            text = self.tr("The files of {done} of {count} photographs are written to {folder}.")
        text = text.format(name=name, done=done, count=count, folder=display_path(request.folder))
        kind: NoticeKind = "info" if cancelled else "success"
        if self._changed:
            changed = self.tr(
                "On the disk {names} is not what was segmented any more; the side-car names what was segmented."
            )
            text += " " + changed.format(names=_listed(self._changed))
            kind = "warning"
        if problems:  # the reason first: it is what must be cured
            kind = "warning" if done else "error"
            text = f"{problems[0][1]} {text} " + self.tr("Not written: {names}.").format(names=_names(problems))
        details = "\n".join(f"{display_path(path)}: {problem}" for path, problem in problems)
        self._context.notify(kind, text, details, folder=request.folder if done else None, until="work")


def _in_the_result(_note: str) -> None:
    """Notes and doubts of a run come with its result: they are shown there, with the photograph that they are about."""


def _names(problems: Sequence[tuple[Path, str]], limit: int = 3) -> str:
    return _listed([display_path(path.name) for path, _ in problems], limit)


def _listed(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + ("..." if len(names) > limit else "")
