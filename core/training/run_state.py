"""Where a run is: its step, the losses since the last validation, and the best validation so far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from core.strict import finite_number
from core.training.checkpoint import prefixed
from core.training.config import TrainingConfig
from core.training.validation import Validation


@dataclass(slots=True, eq=False)
class RunState:
    """What a run knows of itself beside its tensors; ``best_weights`` are those of the best validation.

    ``losses`` : one for each step since the last validation.
    """

    step: int = 0
    validated_step: int = -1
    losses: list[float] = field(default_factory=list)
    last: Validation | None = None
    best: Validation | None = None
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def validation_due(self, config: TrainingConfig) -> bool:
        """Whether this step is one to validate at, and that has not been done yet."""
        first = self.step == 0 and bool(config.network.start_from)
        regular = self.step > 0 and self.step % config.run.validate_every == 0
        last = self.step == config.optimisation.steps
        return self.validated_step != self.step and (first or regular or last)

    def has_stalled(self, config: TrainingConfig) -> bool:
        """Whether the last validations brought nothing better, as many as the recipe has patience for."""
        patience = config.optimisation.patience
        waited = self.validated_step - self.best_step
        return patience > 0 and self.best is not None and waited >= patience * config.run.validate_every

    def take(self, result: Validation, weights: Mapping[str, Tensor], choose_by: str) -> bool:
        """Take the validation of this step; True where it is the best so far, whose weights are then kept."""
        self.last, self.validated_step, self.losses = result, self.step, []
        if self.best is not None and getattr(result, choose_by) <= getattr(self.best, choose_by):
            return False
        self.best, self.best_step = result, self.step
        self.best_weights = prefixed("best", weights)
        return True

    def facts(self) -> dict[str, Any]:
        """What of it a checkpoint keeps beside the tensors."""
        return {
            "step": self.step,
            "validated_step": self.validated_step,
            "losses": self.losses,
            "best": asdict(self.best) if self.best else None,
            "best_step": self.best_step,
            "last": asdict(self.last) if self.last else None,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], best_weights: Mapping[str, Tensor], most_steps: int) -> "RunState":
        """The reverse of ``facts``. Raises KeyError, TypeError or ValueError for what it did not give."""
        step = _step(facts["step"], most_steps)
        return cls(
            step=step,
            validated_step=_step(facts.get("validated_step", step), step, least=-1),
            losses=[finite_number(loss) for loss in facts.get("losses", [])],
            last=Validation.from_dict(facts["last"]) if facts.get("last") else None,
            best=Validation.from_dict(facts["best"]) if facts["best"] else None,
            best_step=_step(facts["best_step"], step),
            best_weights=prefixed("best", best_weights),
        )


def _step(value: object, most: int, *, least: int = 0) -> int:
    """A step from a checkpoint. Raises ValueError where a run cannot be there."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"it is at step {value!r:.40}, of {most}")
    return value
