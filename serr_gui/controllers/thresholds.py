"""Changes of the threshold as steps of Undo."""

from pathlib import Path

from PySide6.QtCore import QObject

from core.types import ThresholdRule
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.model.editing import EditStep
from serr_gui.model.rule_selectors import model_rule


class ThresholdSteps(QObject):
    """Sets the threshold of the photograph on the screen. Moves of the slider that follow one another are one step."""

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        history.register("rule", self._apply)

    def set_rule(self, rule: ThresholdRule) -> None:
        """Set the threshold; where the photograph has a result, that can be undone."""
        before, path = self._kept(), self._path()
        self._context.set_rule(rule)
        after = self._kept()
        if path is None or before == after:
            return
        last = self._context.store.history(path).last
        by_hand = last is not None and last.kind == "rule" and _is_by_hand(last.after) and rule.origin == "user"
        name = self.tr("Threshold {value}").format(value=f"{rule.threshold:.3f}")
        if rule.style:
            name = self.tr("Draw Like {name}").format(name=rule.style)
        self._history.push(path, EditStep(name, kind="rule", before=before, after=after), merge=by_hand)

    def _apply(self, _path: Path, step: EditStep, back: bool) -> bool:
        value = step.before if back else step.after
        rule = model_rule(self._context.state) if value is None else ThresholdRule(**value)
        if rule is None:
            return False
        self._context.set_rule(rule)
        return True

    def _path(self) -> Path | None:
        document = self._context.state.document
        return document.path if document is not None and document.result is not None else None

    def _kept(self) -> dict[str, object] | None:
        """The threshold that was left for the photograph as JSON values, None for the model's own."""
        item = self._context.state.item
        return item.rule.to_values() if item is not None and item.rule is not None else None


def _is_by_hand(value: dict[str, object] | None) -> bool:
    return value is not None and value["origin"] == "user"
