"""Results that were exported come back with their photographs."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.measures.setup import NOTHING_SAID
from core.resources import sample_path
from core.types import NO_MARKS
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.photos import PhotoController
from serr_gui.model.state import FovChoice, MadeBy
from serr_gui.tasks.exported import TakenBack, find_exported


class ExportedController(QObject):
    """Looks for the results of photographs that have none. ``made_by`` : of those that were taken back."""

    def __init__(self, context: ControllerContext, photos: PhotoController) -> None:
        super().__init__(context)
        self._context = context
        self._photos = photos
        self._looked: set[Path] = set()
        self._taken_back = 0
        self.made_by: dict[Path, MadeBy] = {}

    def look(self) -> None:
        """Look for results on the disk of the photographs that have none, and that nobody has looked for yet."""
        if self._context.workers.busy("exported"):
            return
        listed = [item.path for item in self._context.state.photos]
        new = [path for path in listed if path not in self._looked]
        self._looked = set(listed)  # one that was closed and opened again is looked for again
        wanted = tuple(path for path in new if not self._context.store.is_kept(path) and path != sample_path())
        if wanted:
            self._taken_back = 0
            self._context.workers.start(
                "exported",
                partial(find_exported, wanted),
                partial_result=self._on_found,
                succeeded=self._on_all_taken_back,
                low_priority=True,
            )

    def _on_found(self, part: TakenBack) -> None:
        self._taken_back += self.take_back(part)

    def take_back(self, part: TakenBack) -> bool:
        """Give a photograph of the list its result; False where it has one, or is not listed any more."""
        context = self._context
        item = next((item for item in context.state.photos if item.path == part.path), None)
        if item is None or item.status != "new" or context.store.is_kept(part.path):
            return False
        edits, history = context.store.edits(part.path), context.store.history(part.path)
        only_measuring = item.rule is None and not item.questionable
        is_own = edits is None and (not item.unsaved or only_measuring)
        context.store.put_kept(part.path, part.load, part.edits if edits is None else edits, history)
        self.made_by[part.path] = part.made_by
        changes: dict[str, object] = {"status": "done", "problem": "", "made_by": part.made_by}
        if is_own:
            changes |= {"rule": part.rule, "corrected": part.edits is not None, "questionable": part.questionable}
            if part.made_by.fov_drawn:
                changes["fov"] = FovChoice("edited", None, part.made_by.fov_drawn)
            if item.marks == NO_MARKS:
                changes["marks"] = part.marks
            if item.measuring == NOTHING_SAID:
                changes["measuring"] = part.measuring
        context.set_item(part.path, **changes)
        document = context.state.document
        if document is not None and document.path == part.path and document.result is None:
            self._photos.select(context.state.current)
        return True

    def _on_all_taken_back(self, _none: object) -> None:
        if self._taken_back:
            text = self.tr("The exported results of {count} photographs were loaded again.")
            if self._taken_back == 1:
                text = self.tr("The exported result of one photograph was loaded again.")
            self._context.notify("info", text.format(count=self._taken_back), until="work")
        self.look()
