"""Own data sets: found in folders, checked, written, and added to by one click."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.datasets.dataset_file import DataSetFile, Entry
from core.datasets.recognise import Recognised
from core.files import display_path
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure
from serr_gui.tasks import data_sets as work


class DataSetController(QObject):
    """What the wizard needs from the disk.

    ``examined`` brings each entry with its ``Examination``, ``counted`` the ``DataSetFacts`` that were asked for last.
    """

    counted = Signal(object)
    found = Signal(object)
    notFound = Signal(str)
    examined = Signal(object, object)
    saved = Signal(Path)
    notSaved = Signal(str)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context

    def find(self, path: Path) -> None:
        """Look for a data set in a folder, or read a data set file."""
        self.stop()
        self._context.workers.start(
            "data set",
            partial(work.find_data_set, path),
            succeeded=self._on_found,
            failed=lambda failure: self.notFound.emit(failure.sentence),
        )

    def count(self, file: Path) -> None:
        """Read how many photographs the parts of a data set file have."""
        self._context.workers.start("data set counts", partial(work.count_parts, file), succeeded=self.counted.emit)

    def examine(self, entries: tuple[Entry, ...]) -> None:
        """Look into the files of entries, in place of those that were asked for before."""
        self._context.workers.start(
            "data set files", partial(work.examine_all, entries), partial_result=self._on_examined
        )

    def stop(self) -> None:
        """End looking into files."""
        self._context.workers.cancel("data set files")

    def save(self, path: Path, dataset: DataSetFile) -> None:
        """Write a data set file; it is the one that photographs are added to from now on."""
        self._context.workers.start(
            "data set saved",
            partial(work.save_data_set, path, dataset),
            succeeded=self._on_saved,
            failed=lambda failure: self.notSaved.emit(failure.sentence),
            completes=True,
        )

    def use(self, path: Path) -> None:
        """Add photographs to this file from now on."""
        self._context.state.data_set = path

    def add_current(self) -> None:
        """Add the photograph on the screen, with its mask as it is shown, to the data set file."""
        state = self._context.state
        document, result, path = state.document, state.result, state.data_set
        if document is None or result is None or path is None:
            return
        segmentation = result.segmentation
        vessel = result.mask(state.rule).vessel
        self._context.workers.start(
            "data set added",
            partial(work.add_to_data_set, path, document.path, vessel, segmentation.fov),
            succeeded=partial(self._on_added, document.path, path),
            failed=self._on_not_added,
            completes=True,
        )

    def _on_found(self, outcome: Recognised) -> None:
        self.found.emit(outcome)

    def _on_examined(self, part: work.Examined) -> None:
        self.examined.emit(part.entry, part.examination)

    def _on_saved(self, outcome: Path) -> None:
        self.use(outcome)
        self.saved.emit(outcome)

    def _on_added(self, photo: Path, file: Path, outcome: DataSetFile) -> None:
        text = self.tr("{photo} is in the data set {name} now, with its mask as the label ({count} photographs).")
        self._context.notify(
            "success",
            text.format(photo=display_path(photo.name), name=outcome.name, count=len(outcome.entries)),
            folder=file.parent,
        )

    def _on_not_added(self, failure: Failure) -> None:
        self._context.fail(self.tr("The photograph cannot be added to the data set."), failure)
