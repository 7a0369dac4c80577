"""Options that say how probabilities become masks: a threshold or a drawing style, hysteresis, the smallest vessel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import UsageError

if TYPE_CHECKING:
    from core.models.model_card import ModelCard
    from core.threshold_rule import ThresholdRule

THRESHOLD = typer.Option(
    "--threshold", help="Vessel where the probability is at least this, between 0 and 1; the model's own by default."
)
DRAW_LIKE = typer.Option(
    "--draw-like",
    metavar="NAME",
    help="Draw as thick and as fine as the experts of this data set, such as DRIVE, instead of an average of all: at "
    "the threshold that the model has for it ('serr models show NAME' lists them).",
)
LOW = typer.Option(
    "--low",
    help="Hysteresis: a pixel of at least this probability is vessel, too, where such pixels connect it with one at "
    "the threshold.",
)
MIN_PIXELS = typer.Option("--min-pixels", min=0, help="Leave out vessels of fewer pixels than this; 0: none.")

Threshold = Annotated[float | None, THRESHOLD]
DrawLike = Annotated[str | None, DRAW_LIKE]
Low = Annotated[float | None, LOW]


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """What is asked for in the place of a model's own threshold.

    Raises
    ------
    UsageError : a probability that is none, or a threshold together with a drawing style.
    """

    threshold: float | None = None
    low: float | None = None
    min_pixels: int = 0
    draw_like: str | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 < self.threshold < 1.0:
            raise UsageError(
                f"--threshold {self.threshold:g} is out of range: it is a probability between 0 and 1, such as 0.5."
            )
        if self.threshold is not None and self.draw_like is not None:
            raise UsageError("--draw-like chooses a threshold: leave out --threshold, or --draw-like.")
        if self.low is not None and not 0.0 < self.low < 1.0:
            raise UsageError(
                f"--low {self.low:g} is out of range: it is a probability between 0 and 1, below --threshold."
            )

    @property
    def is_given(self) -> bool:
        """Whether anything is asked for."""
        return not (self.threshold is None and self.draw_like is None and self.low is None and not self.min_pixels)

    def of(self, card: "ModelCard") -> "ThresholdRule | None":
        """The rule for a model that is asked for; None for its own. Raises UsageError."""
        from core.errors import StyleError

        try:
            own = card.rule if self.draw_like is None else card.style_rule(self.draw_like)
        except StyleError as error:
            raise UsageError(f"--draw-like: {error}") from None
        return self.over(own) if self.is_given else None

    def over(self, own: "ThresholdRule") -> "ThresholdRule":
        """A rule with what is asked for in its place; its own where nothing is. Raises UsageError."""
        from core.threshold_rule import ThresholdRule

        rule = own if self.threshold is None else ThresholdRule.nearest(self.threshold)
        highest = rule.threshold if self.threshold is None else self.threshold
        if self.low is not None and self.low > highest:
            raise UsageError(
                f"--low {self.low:g} is above the threshold {highest:g}: hysteresis grows from the threshold down to "
                "--low. Choose a smaller --low."
            )
        return rule.refined(self.low, self.min_pixels)
