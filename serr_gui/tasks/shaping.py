"""Making a rule with hysteresis or a smallest vessel into levels, in a thread."""

from core.masks.threshold import ruled_levels
from core.types import ByteArray, ProbabilityMap, ThresholdRule
from serr_gui.tasks.monitor import CheckingMonitor


def shape(probability: ProbabilityMap, rule: ThresholdRule, monitor: CheckingMonitor) -> ByteArray:
    """The levels of ``ruled_levels``."""
    monitor.check()
    levels = ruled_levels(probability.levels, rule)
    monitor.check()
    return levels
