"""What a person says for measures (optic disc, pixel size, marks) as steps of Undo."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from core.measures.setup import MeasureSetup, changed_values
from core.resources import sample_path
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.model.editing import EditStep


class MeasureSteps(QObject):
    """Changes what was said for the measures of a photograph, so that it can be undone and counts as work."""

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        history.register("measuring", self._apply)

    def change(self, name: str, *, merge: bool = False, **changes: object) -> None:
        """Change it for the photograph on the screen, as a step with this name.

        ``merge`` : it continues with the last step, where that has changed the same.
        """
        document, item = self._context.state.document, self._context.state.item
        if document is None or item is None or item.path != document.path:
            return
        setup: MeasureSetup = replace(item.measuring, **changes)  # type: ignore[arg-type]
        if setup == item.measuring:
            return
        before, after = changed_values(item.measuring, setup)
        last = self._context.store.history(item.path).last
        merge = merge and last is not None and last.kind == "measuring" and set(last.after or ()) == set(after)
        self._take(item.path, setup)
        self._history.push(item.path, EditStep(name, kind="measuring", before=before, after=after), merge=merge)

    def change_all(self, name: str, **changes: object) -> None:
        """Change it for all photographs of the list: a step of each that it changes something in."""
        photos, sample = self._context.state.photos, sample_path()
        setups: list[MeasureSetup] = [replace(item.measuring, **changes) for item in photos]  # type: ignore[arg-type]
        self._context.state.photos = tuple(
            replace(item, measuring=setup, unsaved=item.unsaved or item.path != sample)
            if setup != item.measuring
            else item
            for item, setup in zip(photos, setups, strict=True)
        )
        steps: dict[Path, EditStep] = {}
        for item, setup in zip(photos, setups, strict=True):
            if setup != item.measuring:
                before, after = changed_values(item.measuring, setup)
                steps[item.path] = EditStep(name, kind="measuring", before=before, after=after)
        self._history.push_all(steps)

    def _apply(self, path: Path, step: EditStep, back: bool) -> bool:
        item = self._context.state.item
        changes = step.before if back else step.after
        if item is None or item.path != path or not isinstance(changes, dict):  # of a file that anybody has written
            return False
        self._take(path, item.measuring.with_values(changes))
        return True

    def _take(self, path: Path, setup: MeasureSetup) -> None:
        item = next(item for item in self._context.state.photos if item.path == path)
        self._context.set_item(path, measuring=setup, unsaved=item.unsaved or path != sample_path())
