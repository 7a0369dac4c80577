"""Experts' labels, and the comparison of the map on the screen with them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from core.evaluation import suggest
from core.evaluation.confusion import Region
from core.files import display_path
from core.photo.label_checks import AS_IT_IS, LabelReading
from core.progress import Monitor
from core.threshold_rule import ThresholdRule
from serr_gui.controllers.context import ControllerContext
from serr_gui.model import label_choices, score_selectors
from serr_gui.model.comparison import EXPERTS, CentreLines, Comparison, ErrorList, LabelFile, LabelSlot, LabelSlots
from serr_gui.model.state import Document
from serr_gui.tasks import comparing as comparing_work

_REST_MS = 250
"""The centre lines are compared when the slider has rested for so long and is let go: they take longer than a step."""


class ComparisonController(QObject):
    """Keeps the labels' and the comparison's part of the state."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._made: dict[Region, Comparison] = {}
        self._keeper = comparing_work.SkeletonCache()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._compare_centre_lines)
        events = context.state.events
        events.document.connect(self._refresh)
        events.view.connect(self._refresh)
        events.rule.connect(self._on_rule_changed)

    # Labels

    def load_label(self, expert: int, path: Path) -> None:
        """Take a file for an expert's label of the photograph on the screen."""
        self._read_label(expert, LabelFile(path.absolute()))

    def load_labels(self, paths: Sequence[Path]) -> None:
        """Take one or two files for labels: into the free places, else the first one again."""
        document = self._context.state.document
        if document is None:
            return
        free = [expert for expert, slot in enumerate(document.labels) if slot is None]
        for expert, path in zip([*free, *(each for each in (0, 1) if each not in free)], paths, strict=False):
            self.load_label(expert, path)

    def accept_label(self, expert: int, *, invert: bool) -> None:
        """Use a doubtful label all the same, ``invert``: with dark for vessel."""
        slot = self._slot(expert)
        if slot is not None:
            self._read_label(expert, replace(slot.file, accepted=True, inverted=invert))

    def read_label_as(self, expert: int, reading: LabelReading) -> None:
        """Read a label's file as a person says: its values, and how it is turned."""
        slot = self._slot(expert)
        if slot is not None:
            self._read_label(expert, replace(slot.file, accepted=False, inverted=False, reading=reading))

    def remove_label(self, expert: int) -> None:
        """Use this label no more; its file stays."""
        self._context.workers.cancel(f"label {expert}")
        self._set_slot(expert, None)
        self._remember(expert)

    def find_label(self, expert: int) -> None:
        """Forget what was chosen for an expert, and take what is next to the photograph or in a chosen folder."""
        document = self._context.state.document
        if document is None:
            return
        photo, image, fov = document.path, document.image, document.fov
        folders = self._context.state.label_folders
        self._context.keep(lambda: label_choices.forget_label(photo, expert))

        def find(_monitor: Monitor) -> LabelSlot | None:
            files, _mask = comparing_work.files_beside(photo, folders)
            return comparing_work.read_slot(files[expert], image.shape, fov, image)

        self._context.workers.start(
            f"label {expert}",
            find,
            succeeded=partial(self._on_label_looked_for, photo, expert),
            failed=partial(
                self._context.fail,
                self.tr("The search for a label of {name} failed.").format(name=display_path(photo.name)),
            ),
        )

    def swap_labels(self) -> None:
        """Make expert 2's label the truth, and expert 1's that of expert 2."""
        document = self._context.state.document
        if document is not None:
            self._set_slots(document, (document.labels[1], document.labels[0]))
            self._remember(*EXPERTS)

    def use_as_fov(self, expert: int) -> Path | None:
        """Take a label's file out of its place; the caller makes it the field of view."""
        slot = self._slot(expert)
        self.remove_label(expert)
        return slot.file.path if slot is not None else None

    def set_label_folder(self, expert: int, folder: Path) -> None:
        """Look for an expert's labels in a folder, by the photographs' names: now and for each that is opened."""
        state = self._context.state
        first, second = state.label_folders
        state.label_folders = (folder, second) if expert == 0 else (first, folder)
        photos = tuple(item.path for item in state.photos)
        self._context.workers.start(
            f"label folder {expert}",
            partial(comparing_work.labels_in, folder, photos),
            succeeded=partial(self._on_labels_found, expert, folder, len(photos)),
            failed=partial(self._context.fail, self.tr("The folder cannot be searched.")),
        )

    # Stepping and thresholds

    def step_error(self, by: int) -> None:
        """Go to the next smaller (1) or larger (-1) error; the first step looks for them and goes to the largest."""
        state = self._context.state
        found = score_selectors.error_list(state)
        if found is not None:
            if found.regions:
                state.error_at = (state.error_at + by) % len(found.regions) if state.error_at >= 0 else 0
            return
        now = score_selectors.comparison_inputs(state)
        if now is None or now.probability is None or now.labels[0] is None:
            return
        self._context.workers.start(
            "errors",
            partial(comparing_work.find_errors, now, state.shown_rule.level, score_selectors.error_search(state)),
            succeeded=self._on_errors_found,
            failed=partial(self._context.fail, self.tr("The search for errors failed.")),
        )

    def suggested_rule(self, how: str) -> ThresholdRule | None:
        """The threshold with the best F1, with the largest Youden index, or with expert 2's sensitivity."""
        state = self._context.state
        against = score_selectors.scored_label(state)
        if against is None:
            return None
        if how == "best_f1":
            return suggest.best_f1(against.sweep)
        if how == "youden":
            return suggest.youden(against.sweep)
        made = score_selectors.comparison(state)
        if made is None or made.between is None:
            return None
        return suggest.at_sensitivity(against.sweep, made.between.scores().sensitivity)

    # Reading labels

    def _slot(self, expert: int) -> LabelSlot | None:
        document = self._context.state.document
        return document.labels[expert] if document is not None else None

    def _read_label(self, expert: int, file: LabelFile) -> None:
        document = self._context.state.document
        if document is None:
            return
        image, fov = document.image, document.fov
        self._context.workers.start(
            f"label {expert}",
            lambda _monitor: comparing_work.read_slot(file, image.shape, fov, image),
            succeeded=partial(self._on_label_read, document.path, expert),
            failed=partial(
                self._context.fail, self.tr("{name} cannot be read.").format(name=display_path(file.path.name))
            ),
        )

    def _on_label_looked_for(self, photo: Path, expert: int, outcome: LabelSlot | None) -> None:
        if outcome is not None:
            self._on_label_read(photo, expert, outcome)
            return
        text = self.tr("No label file for expert {number} was found next to {name}.")
        self._context.notify("info", text.format(number=expert + 1, name=display_path(photo.name)), until="photo")

    def _on_label_read(self, photo: Path, expert: int, outcome: LabelSlot) -> None:
        document = self._context.state.document
        if document is not None and document.path == photo:
            self._set_slot(expert, outcome)
            if outcome.file.accepted or outcome.file.reading != AS_IT_IS or not outcome.file.found:
                self._remember(expert)

    def _on_labels_found(self, expert: int, folder: Path, count: int, outcome: dict[Path, LabelFile]) -> None:
        state = self._context.state
        self._context.keep(lambda: label_choices.remember_found(expert, outcome))
        for item in state.photos:
            file = outcome.get(item.path)
            if item.labels is None or file is None:  # those that were never opened are looked up when they are
                continue
            first, second = item.labels
            old = item.labels[expert]
            if old is None or old.found:  # what a person chose stays
                self._context.set_item(item.path, labels=(file, second) if expert == 0 else (first, file))
                if state.document is not None and state.document.path == item.path:
                    self._read_label(expert, file)
        text = self.tr("{folder} holds labels of {found} of {count} open photographs.")
        text = text.format(folder=display_path(folder.name), found=len(outcome), count=count)
        self._context.notify("info" if outcome else "warning", text)

    def _set_slot(self, expert: int, slot: LabelSlot | None) -> None:
        document = self._context.state.document
        if document is not None:
            first, second = document.labels
            self._set_slots(document, (slot, second) if expert == 0 else (first, slot))

    def _remember(self, *experts: int) -> None:
        """Keep the files of these experts for the next time that the photograph is opened."""
        document = self._context.state.document
        if document is not None:
            photo, slots = document.path, document.labels
            files = {expert: slot.file if (slot := slots[expert]) else None for expert in experts}
            self._context.keep(lambda: label_choices.remember(photo, label_choices.LabelChoices(files)))

    def _set_slots(self, document: Document, slots: LabelSlots) -> None:
        first, second = (slot.file if slot else None for slot in slots)
        self._context.set_item(document.path, labels=(first, second))
        self._context.state.document = replace(document, labels=slots)

    # Comparing

    def _refresh(self) -> None:
        """Compare again where the map, a label, the field of view or the region has changed."""
        state = self._context.state
        now = score_selectors.comparison_inputs(state)
        if now is None:
            self._context.workers.cancel("compare")
            self._made.clear()
            state.comparison, state.centre_lines, state.errors = None, None, None
            state.error_at = -1
            return
        if now.same_as(state.comparison.comparison_inputs if state.comparison else None):
            return
        kept = self._made.get(now.region)
        state.error_at = -1
        if kept is not None and now.same_as(kept.comparison_inputs):
            self._context.workers.cancel("compare")
            state.comparison = kept
            self._rest.start()
            return
        self._context.workers.start(
            "compare",
            partial(comparing_work.compare, now, before=state.comparison),
            partial_result=self._on_compared,
            succeeded=self._on_compared,
            failed=partial(self._context.fail, self.tr("The comparison could not be computed.")),
        )

    def _on_compared(self, outcome: Comparison) -> None:
        state = self._context.state
        if not outcome.comparison_inputs.same_as(score_selectors.comparison_inputs(state)):
            return
        state.comparison = outcome
        complete = all(scored_label is None or scored_label.areas is not None for scored_label in outcome.scored_label)
        if complete:
            self._made = {region: made for region, made in self._made.items() if _same_but_region(made, outcome)} | {
                outcome.comparison_inputs.region: outcome
            }
        self._rest.start()

    def _on_rule_changed(self) -> None:
        self._context.workers.cancel("centre lines")
        self._context.state.error_at = -1
        if score_selectors.comparison_inputs(self._context.state) is not None:
            self._rest.start()

    def _compare_centre_lines(self) -> None:
        state = self._context.state
        now = score_selectors.comparison_inputs(state)
        if now is None or score_selectors.centre_lines(state) is not None:
            return
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:  # somebody still holds the slider, or the curve
            self._rest.start()
            return
        self._context.workers.start(
            "centre lines",
            partial(comparing_work.compare_centre_lines, now, state.shown_rule.level, self._keeper),
            low_priority=True,
            succeeded=self._on_centre_lines,
            failed=partial(self._context.fail, self.tr("The centre lines could not be compared.")),
        )

    def _on_centre_lines(self, outcome: CentreLines) -> None:
        self._context.state.centre_lines = outcome

    def _on_errors_found(self, outcome: ErrorList) -> None:
        state = self._context.state
        state.errors = outcome
        state.error_at = 0 if outcome.regions and score_selectors.error_list(state) is outcome else -1


def _same_but_region(one: Comparison, other: Comparison) -> bool:
    return replace(one.comparison_inputs, region=other.comparison_inputs.region).same_as(other.comparison_inputs)
