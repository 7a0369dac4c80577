"""What is remembered of corrections by hand: the tool, and the steps that can be undone. No Qt."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from core.masks.edits import EditDelta
from core.session.records import StepKind

if TYPE_CHECKING:
    from core.masks.branches import Gap

_Painting = Literal["brush", "eraser", "trace", "bridge", "prune", "component", "lasso", "fill", "fov_circle"]
ToolName = Literal["hand", _Painting, "disc_circle", "disc_ellipse", "ruler"]
PaintTarget = Literal["vessels", "questionable", "fov"]
PAINTING_TOOLS: Final[frozenset[ToolName]] = frozenset({"brush", "eraser", "lasso"})
"""Tools that paint whatever is chosen to be painted."""
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

    ``size_px`` is the diameter of brush and eraser in photograph pixels, ``target`` what they paint. ``undo`` and
    ``redo`` are the names of steps (empty: nothing to do), ``steps`` those of all, of which the first ``done`` are
    made. ``corrected_px`` counts the pixels that a hand has decided. ``by_pressure``: a pen draws as wide as it is
    pressed. ``width_percent`` is the width of traced vessels, of that in the map. ``lasso`` is what becomes of an
    outlined region. ``gaps`` are those that are proposed to be bridged, in the order of their probability, of which
    ``gap_at`` is shown; ``gaps_percent`` says how far looking for them is.
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
    gaps_percent: int = 0
    target: PaintTarget = "vessels"
    steps: tuple[str, ...] = ()
    done: int = 0

    @property
    def gap(self) -> "Gap | None":
        """The proposed bridge that is shown."""
        return self.gaps[self.gap_at] if self.gap_at < len(self.gaps) else None

    def with_history(self, history: "EditHistory | None") -> "Editing":
        """The same with the steps of a photograph; None: no photograph is on the screen."""
        if history is None:
            return replace(self, undo="", redo="", steps=(), done=0)
        return replace(self, undo=history.undo_name, redo=history.redo_name, steps=history.names, done=history.done)


@dataclass(frozen=True, slots=True, eq=False)
class EditStep:
    """One step of Undo, as plain data.

    ``kind`` says what it changes: the pixels of a layer (``delta``), or a choice that was made (``before`` and
    ``after``, JSON values).
    """

    name: str
    delta: EditDelta | None = None
    kind: StepKind = "edits"
    before: Any = None
    after: Any = None

    @property
    def n_bytes(self) -> int:
        """What it takes in memory, about."""
        if self.delta is not None:
            return self.delta.n_bytes
        return len(json.dumps([self.before, self.after]))


class EditHistory:
    """The steps of one photograph, bounded by what they take in memory.

    A ``QUndoStack`` can be bounded by the number of its steps alone, and those differ by a factor of a thousand.
    """

    def __init__(self, bound_bytes: int = HISTORY_BYTES) -> None:
        self._bound = bound_bytes
        self._steps: list[EditStep] = []
        self._done = 0
        self._clean: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All steps, the oldest first."""
        return tuple(step.name for step in self._steps)

    @property
    def done(self) -> int:
        """How many steps are made; those behind them can be made again."""
        return self._done

    @property
    def last(self) -> EditStep | None:
        """The step that ``undo`` would give."""
        return self._steps[self._done - 1] if self._done else None

    @property
    def is_clean(self) -> bool:
        """Whether what is there now is what was saved last."""
        return self._clean == self._done

    def set_clean(self, clean: bool = True) -> None:
        """What is there now was saved; False: nothing that was saved can come back, for another result is beneath."""
        self._clean = self._done if clean else None

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
    def undo_name(self) -> str:
        """The step that ``undo`` gives; empty where there is none."""
        return self._steps[self._done - 1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        """The step that ``redo`` gives; empty where there is none."""
        return self._steps[self._done].name if self._done < len(self._steps) else ""

    def push(self, step: EditStep, *, merge: bool = False) -> None:
        """Take a step that was made; those that were undone are forgotten, and the oldest beyond the bound.

        ``merge`` : it continues with what the last step began, of the same kind, and takes its place; for choices only.
        """
        if self._clean is not None and self._clean > self._done:
            self._clean = None
        if merge and self._done and self._clean != self._done:
            self._done -= 1
            step = replace(step, before=self._steps[self._done].before)
        del self._steps[self._done :]
        self._steps.append(step)
        taken = sum(step.n_bytes for step in self._steps)
        while taken > self._bound and len(self._steps) > 1:
            taken -= self._steps.pop(0).n_bytes
            if self._clean is not None:
                self._clean = self._clean - 1 if self._clean else None
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
