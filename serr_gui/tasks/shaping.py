"""Making a rule with hysteresis or a smallest vessel into levels, under the corrections by hand, in a thread."""

from core.masks.threshold import ruled_levels
from core.threshold_rule import ThresholdRule
from serr_gui.model.result import Result
from serr_gui.tasks.monitor import CheckingMonitor


def shape(result: Result, rule: ThresholdRule, monitor: CheckingMonitor) -> Result:
    """The result with the levels of ``ruled_levels``; its corrections are those of this moment."""
    monitor.check()
    levels = ruled_levels(result.segmentation.probability.levels, rule)
    monitor.check()
    return result.shaped_by(rule, levels)
