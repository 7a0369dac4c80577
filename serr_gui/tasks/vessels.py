"""Looking for vessels under the pointer: functions of a monitor that run in a thread, know no Qt and write no state."""

from typing import TYPE_CHECKING

from core.masks.strokes import Footprint, component, enclosed_region
from core.masks.tracing import Search, corrected_values, search_from
from core.progress import Cancelled
from core.threshold_rule import ThresholdRule
from serr_gui.model.result import Result
from serr_gui.tasks.monitor import CheckingMonitor

if TYPE_CHECKING:
    from core.masks.branches import Gap


def search(
    result: Result,
    start: tuple[int, int],
    monitor: CheckingMonitor,
    *,
    snap_px: int,
    window_px: int,
    edge: float,
) -> Search:
    """The cheapest ways from a pixel (``core.masks.tracing.search_from``)."""

    def stopped() -> bool:
        try:
            monitor.check()
        except Cancelled:
            return True
        return False

    found = search_from(
        result.segmentation.probability,
        result.levels,
        start,
        base=result.base_levels,
        window_px=window_px,
        snap_px=snap_px,
        edge=edge,
        stopped=stopped,
    )
    monitor.check()
    return found


def find_part(
    result: Result, rule: ThresholdRule, kind: str, pixel: tuple[int, int], monitor: CheckingMonitor
) -> Footprint | None:
    """The branch, the connected vessel ("component"), or the enclosed region of the mask that a pixel belongs to."""
    from core.masks.branches import branch_at

    find = {"branch": branch_at, "component": component, "enclosed": enclosed_region}[kind]
    monitor.check()
    part = find(result.mask(rule).vessel, *pixel)
    monitor.check()
    return part


def find_gaps(result: Result, rule: ThresholdRule, monitor: CheckingMonitor) -> tuple["Gap", ...]:
    """Gaps between pieces of the mask that a vessel probably bridges, the most probable first."""
    from core.masks import branches

    probability = result.segmentation.probability
    whole = (slice(None), slice(None))
    values = corrected_values(probability, result.levels, whole, result.base_levels)
    vessel = result.mask(rule).vessel
    return tuple(branches.find_gaps(values, vessel, edge=rule.threshold, monitor=monitor))
