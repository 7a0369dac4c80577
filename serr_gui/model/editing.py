"""What is remembered of corrections by hand: the tool, and the steps that can be undone. No Qt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from core.masks.edits import EditDelta

if TYPE_CHECKING:
    from core.masks.branches import Gap

ToolName = Literal["hand", "brush", "eraser", "trace", "bridge", "prune", "component", "lasso", "fill"]
LassoFill = Literal["vessel", "background", "network"]
TRACING_TOOLS: Final[frozenset[ToolName]] = frozenset({"trace", "bridge"})
"""Tools that draw at the width of the vessel, not of a brush."""
SIZES_PX: Final = (1, 200)
WIDTHS_PERCENT: Final = (30, 300)
HISTORY_BYTES: Final = 64 << 20
"""What the undo steps of one photograph may take; the oldest are forgotten first.

A stroke takes a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class Editing:
    """The tool under the pointer, and what Undo and Redo would do to the photograph on the screen.

    ``size_px`` is the diameter of brush and eraser in photograph pixels, ``undo`` and ``redo`` are the names of steps
    (empty: nothing to do), ``corrected_px`` counts the pixels that a hand has decided. ``by_pressure``: a pen draws as
    wide as it is pressed. ``width_percent`` is the width of traced vessels, of that in the map.
    ``lasso`` is what becomes of an outlined region. ``gaps`` are those that are proposed to be bridged, in the order of
    their probability, of which ``gap_at`` is shown.
    """

    tool: ToolName = "hand"
    size_px: int = 5
    undo: str = ""
    redo: str = ""
    corrected_px: int = 0
    by_pressure: bool = False
    width_percent: int = 100
    lasso: LassoFill = "vessel"
    gaps: tuple["Gap", ...] = ()
    gap_at: int = 0
    looks_for_gaps: bool = False

    @property
    def gap(self) -> "Gap | None":
        """The proposed bridge that is shown."""
        return self.gaps[self.gap_at] if self.gap_at < len(self.gaps) else None


@dataclass(frozen=True, slots=True, eq=False)
class EditStep:
    """One step of Undo."""

    name: str
    delta: EditDelta


class EditHistory:
    """The steps of one photograph, bounded by what they take in memory.

    A ``QUndoStack`` can be bounded by the number of its steps alone, and those differ by a factor of a thousand.
    """

    def __init__(self, bound_bytes: int = HISTORY_BYTES) -> None:
        self._bound = bound_bytes
        self._steps: list[EditStep] = []
        self._done = 0

    @classmethod
    def of(cls, steps: Iterable[EditStep], done: int) -> "EditHistory":
        """A history that was kept; the first ``done`` of its steps are made."""
        history = cls()
        history._steps, history._done = list(steps), done
        return history

    @property
    def steps(self) -> tuple[EditStep, ...]:
        """All steps, the oldest first."""
        return tuple(self._steps)

    @property
    def done(self) -> int:
        """How many steps are made."""
        return self._done

    @property
    def undo_name(self) -> str:
        """The step that ``undo`` gives; empty where there is none."""
        return self._steps[self._done - 1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        """The step that ``redo`` gives; empty where there is none."""
        return self._steps[self._done].name if self._done < len(self._steps) else ""

    def push(self, step: EditStep) -> None:
        """Take a step that was made; those that were undone are forgotten, and the oldest beyond the bound."""
        del self._steps[self._done :]
        self._steps.append(step)
        taken = sum(step.delta.n_bytes for step in self._steps)
        while taken > self._bound and len(self._steps) > 1:
            taken -= self._steps.pop(0).delta.n_bytes
        self._done = len(self._steps)

    def undo(self) -> EditStep | None:
        """The step that is to be taken back now."""
        if not self._done:
            return None
        self._done -= 1
        return self._steps[self._done]

    def redo(self) -> EditStep | None:
        """The step that is to be made again now."""
        if self._done == len(self._steps):
            return None
        self._done += 1
        return self._steps[self._done - 1]
