"""Comparing the measures of two groups, or of two visits: the work, and its outcome in the state."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.files import display_path
from core.progress import Progress
from core.studies.design import Member
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure
from serr_gui.model.selectors import with_result
from serr_gui.model.study import Study
from serr_gui.tasks import study as study_work


class StudyController(QObject):
    """Keeps ``state.study``."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context

    def read_tables(self, paths: Sequence[Path]) -> None:
        """Take the rows of tables of measures, too."""
        self._run(partial(study_work.read_tables, tuple(paths), self._context.state.study))

    def take_out(self, numbers: Collection[int]) -> None:
        """Leave out rows, by their numbers."""
        study = self._context.state.study
        rows = tuple(row for number, row in enumerate(study.rows) if number not in numbers)
        self._take(replace(study, rows=rows, design=None, comparison=None, problem=""))

    def measure_open(self) -> None:
        """Measure the photographs of the list that have a mask, for groups of them."""
        state = self._context.state
        photos = tuple(study_work.OpenPhoto(item.path, item.rule, item.measuring) for item in with_result(state))
        if not photos:
            problem = self.tr("No open photograph has a mask yet: segment them before they are compared.")
            state.study = replace(state.study, problem=problem)
            return
        work = partial(study_work.measure_open, photos, state.study, self._context.store)
        state.study = replace(state.study, doing=self.tr("Measuring the open photographs..."), problem="")
        self._run(work, self._on_progress)

    def _on_progress(self, progress: Progress) -> None:
        text = self.tr("Measuring the open photographs: {percent} %")
        self._context.state.study = replace(
            self._context.state.study, doing=text.format(percent=round(100 * (progress.fraction or 0.0)))
        )

    def read_groups(self, path: Path) -> None:
        """Take groups or visits from a file."""
        self._run(partial(study_work.read_groups, path, self._context.state.study))

    def compare(self, members: Sequence[Member], *, paired: bool) -> None:
        """Compare the groups or visits that a person has said."""
        self._run(partial(study_work.compare, self._context.state.study, tuple(members), paired=paired))

    def write(self, path: Path) -> None:
        """Write the comparison: table, page with plots, and the files for R."""
        self._context.workers.start(
            "study written",
            partial(study_work.write, self._context.state.study, path),
            succeeded=self._on_written,
            failed=partial(self._context.fail, self.tr("The comparison could not be written.")),
            completes=True,
        )

    def forget(self) -> None:
        """The dialog is closed."""
        self._context.workers.cancel("study")
        self._context.state.study = Study()

    def _run(self, work: "partial[Study]", progressed: Callable[[Progress], None] | None = None) -> None:
        self._context.workers.start("study", work, succeeded=self._take, failed=self._on_failed, progressed=progressed)

    def _take(self, outcome: Study) -> None:
        self._context.state.study = outcome

    def _on_failed(self, failure: Failure) -> None:
        now = self._context.state.study
        if failure.expected:
            self._take(Study(now.rows, now.members, now.paired, problem=failure.sentence))
        else:
            self._take(replace(now, doing=""))
            self._context.fail(self.tr("The measures could not be compared."), failure)

    def _on_written(self, files: tuple[Path, ...]) -> None:
        names = ", ".join(display_path(file.name) for file in files)
        self._context.notify("success", self.tr("{names} are written.").format(names=names), folder=files[0].parent)
