"""Changes of the threshold as steps of Undo."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from core.resources import sample_path
from core.threshold_rule import ThresholdRule
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.history import HistoryController
from serr_gui.model.editing import EditStep
from serr_gui.model.notices import NoticeChoice
from serr_gui.model.rule_selectors import model_rule, rules_for_all
from serr_gui.model.state import PhotoItem


@dataclass(frozen=True, slots=True)
class _ForAll:
    """What the last ``set_for_all`` has changed.

    ``steps`` : those of results. ``waiting`` : thresholds of photographs without a result, before and after.
    ``draws`` : ``AppState.draw_like`` before and after.
    """

    steps: Mapping[Path, EditStep] = field(default_factory=dict)
    waiting: Mapping[Path, tuple[ThresholdRule | None, ThresholdRule | None]] = field(default_factory=dict)
    draws: tuple[str, str] = ("", "")


class ThresholdSteps(QObject):
    """Sets the threshold of the photograph on the screen. Moves of the slider that follow one another are one step."""

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        self._for_all = _ForAll()
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
        step = EditStep(self._name(rule), kind="rule", before=before, after=after)
        self._history.push(path, step, merge=by_hand)

    def _name(self, rule: ThresholdRule) -> str:
        if rule.style:
            return self.tr("Draw Like {name}").format(name=rule.style)
        return self.tr("Threshold {value}").format(value=f"{rule.threshold:.3f}")

    def set_for_all(self) -> None:
        """Give every photograph of the list the threshold, or the drawing style, of the one on the screen.

        A step of Undo of each that has a result; photographs of another model keep a threshold that is not a style.
        """
        state, sample = self._context.state, sample_path()
        found = rules_for_all(state)
        name = self._name_for_all()
        changed = {
            item.path: replace(item, rule=found.rules[item.path], unsaved=item.unsaved or _is_work(item, sample))
            for item in state.photos
            if item.path in found.rules and found.rules[item.path] != item.rule
        }
        steps = {
            item.path: EditStep(name, kind="rule", before=_values(item.rule), after=_values(changed[item.path].rule))
            for item in state.photos
            if item.path in changed and item.status == "done"
        }
        waiting = {
            item.path: (item.rule, changed[item.path].rule)
            for item in state.photos
            if item.path in changed and item.status != "done"
        }
        draws = state.rule.style if state.rule.origin in ("model", "style") else state.draw_like
        self._for_all = _ForAll(steps, waiting, (state.draw_like, draws))
        state.draw_like = draws
        state.photos = tuple(changed.get(item.path, item) for item in state.photos)
        self._history.push_all(steps)
        self._tell(len(changed), len(found.kept), len(waiting) if state.rule.origin not in ("model", "style") else 0)

    def _name_for_all(self) -> str:
        rule = self._context.state.rule
        return self.tr("The Model's Own Threshold") if rule.origin == "model" else self._name(rule)

    def _tell(self, changed: int, kept: int, waiting: int) -> None:
        """``waiting`` : those of the changed ones that have no result, and keep the threshold whatever finds one."""
        state = self._context.state
        text = self.tr("{name} is now used for {count} more photographs. Corrections by hand are kept.")
        if changed == 1:
            text = self.tr("{name} is now used for one more photograph. Corrections by hand are kept.")
        if not changed:
            text = self.tr("{name}: no other photograph had to change.")
        text = text.format(name=self._name_for_all(), count=f"{changed:,}")
        if waiting:
            which = self.tr(
                "Photographs without a result get it with their first one, whichever model finds it: {count}."
            )
            text += " " + which.format(count=f"{waiting:,}")
        if kept:
            why = self.tr("Photographs of other models keep theirs, since levels of models differ: {count}.")
            if state.rule.style:
                why = self.tr("Photographs of models without this style keep their threshold: {count}.")
            text += " " + why.format(count=f"{kept:,}")
        document = state.document
        choices: tuple[NoticeChoice, ...] = ()
        if changed and document is not None:
            choices = (NoticeChoice(self.tr("Undo for All"), "undo for all", document.path),)
        self._context.notify("warning" if kept else "success", text, until="work", choices=choices)

    def undo_for_all(self) -> None:
        """Take the last ``set_for_all`` back wherever nothing has followed it."""
        state, done, history = self._context.state, self._for_all, self._context.store.history
        self._for_all = _ForAll()
        before: dict[Path, ThresholdRule | None] = {}
        for item in state.photos:
            step, rules = done.steps.get(item.path), done.waiting.get(item.path)
            if step is not None and history(item.path).last is step:
                before[item.path] = _rule(step.before)
            elif rules is not None and item.rule == rules[1]:
                before[item.path] = rules[0]
        clean = self._history.undo_all(before.keys() & done.steps.keys())
        if state.draw_like == done.draws[1]:
            state.draw_like = done.draws[0]
        state.photos = tuple(
            replace(item, rule=before[item.path], unsaved=item.unsaved and item.path not in clean)
            if item.path in before
            else item
            for item in state.photos
        )
        self._context.follow_rule()

    def _apply(self, _path: Path, step: EditStep, back: bool) -> bool:
        value = step.before if back else step.after
        rule = _rule(value) or model_rule(self._context.state)
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
        return _values(item.rule) if item is not None else None


def _values(rule: ThresholdRule | None) -> dict[str, object] | None:
    return rule.to_values() if rule is not None else None


def _rule(values: dict[str, Any] | None) -> ThresholdRule | None:
    return ThresholdRule(**values) if values is not None else None


def _is_work(item: PhotoItem, sample: Path) -> bool:
    return item.status == "done" and item.path != sample


def _is_by_hand(value: dict[str, object] | None) -> bool:
    return value is not None and value["origin"] == "user"
