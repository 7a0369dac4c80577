"""Hysteresis and the smallest vessel: what a person sets, and the mask that follows in a thread."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from core.masks.edits import MaskEdits
from core.threshold_rule import LEVELS, ThresholdRule
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.editing import EditingController
from serr_gui.controllers.thresholds import ThresholdSteps
from serr_gui.model.result import Result
from serr_gui.tasks.shaping import shape

if TYPE_CHECKING:
    from core.segmentation import Segmentation


class ShapingController(QObject):
    """Sees to it that the levels of the photograph on the screen are those of its rule (``Result.fits``).

    Until they are, the mask of the rule before is shown and counted (``AppState.shown_rule``).
    """

    def __init__(self, context: ControllerContext, editing: EditingController, thresholds: ThresholdSteps) -> None:
        super().__init__(context)
        self._context, self._editing, self._thresholds = context, editing, thresholds
        self._wanted: tuple[Segmentation, tuple[int, int, int]] | None = None
        for event in (context.state.events.rule, context.state.events.document):
            event.connect(self._follow)

    def set_level(self, level: int) -> None:
        """The threshold, by hand: hysteresis and smallest vessel stay."""
        rule = self._context.state.rule
        level = min(max(level, 1), LEVELS - 1)
        low = None if rule.low_level is None else min(rule.low_level, level)
        self._set(ThresholdRule(level, "user", low, rule.min_pixels))

    def set_low(self, level: int) -> None:
        """The lower threshold of the hysteresis; that of the rule itself, or above: none."""
        rule = self._context.state.rule
        low = max(level, 1) if level < rule.level else None
        self._set(replace(rule, low_level=low, origin="user", style=""))

    def set_min_pixels(self, count: int) -> None:
        """Vessels of fewer pixels are left out; 0: none."""
        self._set(replace(self._context.state.rule, min_pixels=max(count, 0), origin="user", style=""))

    def _set(self, rule: ThresholdRule) -> None:
        if rule != self._context.state.rule:
            self._thresholds.set_rule(rule)

    def _follow(self) -> None:
        state = self._context.state
        result, rule = state.result, state.rule
        if result is None or result.fits(rule):
            self._wanted = None
            self._context.workers.cancel("shape")
            return
        segmentation = result.segmentation
        if rule.is_plain and result.edits is None:
            self._wanted = None
            self._context.workers.cancel("shape")
            self._take(segmentation, result.shaped_by(rule, segmentation.probability.levels))
        elif self._wanted != (segmentation, rule.makes):
            self._wanted = (segmentation, rule.makes)
            self._context.workers.start(
                "shape",
                partial(shape, result, rule),
                succeeded=partial(self._on_shaped, segmentation, rule),
                failed=partial(self._context.fail, self.tr("The mask of this threshold could not be made.")),
                in_turn=True,
            )

    def _on_shaped(self, segmentation: "Segmentation", rule: ThresholdRule, outcome: Result) -> None:
        self._wanted = None
        if self._context.state.rule.makes == rule.makes:
            self._take(segmentation, outcome)

    def _take(self, segmentation: "Segmentation", shaped: Result) -> None:
        self._editing.finish()  # a stroke that is being painted is painted on the levels before
        state, document = self._context.state, self._context.state.document
        if document is None or document.result is None or document.result.segmentation is not segmentation:
            return
        if not _same_corrections(document.result.edits, shaped.edits):  # a hand has painted meanwhile
            shaped = document.result.shaped_by(state.rule, shaped.base_levels)
        self._context.store.renew(document.path, shaped)
        state.document = replace(document, result=shaped)


def _same_corrections(one: MaskEdits | None, other: MaskEdits | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one.codes, other.codes)
