"""Probabilities that mean more of what they say: temperature scaling, which travels in the weights file.

Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599: the logit is divided by a temperature T,
which is fitted on photographs with labels. The order of the pixels stays, and so do all areas under curves. A shift
that is smaller than a step of the threshold comes with it, so that the model's threshold falls on a multiple of 1/256
again, and its masks stay the same, pixel for pixel.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import exp, log
from typing import TYPE_CHECKING

from core.threshold_rule import LEVELS

if TYPE_CHECKING:
    from core.types import FloatArray

LIMITS = (0.1, 10.0)
"""Temperatures beyond these are not a calibration."""


@dataclass(frozen=True, slots=True)
class Temperature:
    """p becomes sigmoid(logit(p) / ``temperature`` + ``shift``).

    Raises
    ------
    ValueError : a temperature outside of ``LIMITS``, or a shift that is not between -100 and 100.
    """

    temperature: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        low, high = LIMITS
        if not low <= self.temperature <= high or not -100.0 <= self.shift <= 100.0:
            raise ValueError(f"a temperature of {self.temperature} with a shift of {self.shift} cannot be used")

    @property
    def is_none(self) -> bool:
        """Whether it changes nothing."""
        return self.temperature == 1.0 and self.shift == 0.0

    def to_record(self) -> dict[str, float] | None:
        """As plain JSON values; None where it changes nothing."""
        return None if self.is_none else asdict(self)

    @classmethod
    def from_record(cls, values: object) -> "Temperature":
        """From plain JSON values, or None. Raises ValueError or TypeError where they cannot be used."""
        if values is None:
            return cls()
        if not isinstance(values, Mapping):
            raise TypeError("scaling must be a mapping")
        found = {key: values.get(key) for key in ("temperature", "shift")}
        if any(type(value) not in (int, float) for value in found.values()):
            raise TypeError(f"scaling is {values!r:.80}")
        return cls(**{key: float(value) for key, value in found.items()})  # type: ignore[arg-type]

    def apply(self, values: "FloatArray") -> "FloatArray":
        """The probabilities, float32 of any shape in [0, 1]; 0 and 1 stay. Those of no change are the same array."""
        if self.is_none:
            return values
        import numpy as np  # not at the top, so that a list of models needs no arrays

        made = np.empty_like(values)
        for row, given in enumerate(values):  # a row at a time: in float64 a whole photograph takes eight times as much
            with np.errstate(divide="ignore"):
                p = given.astype(np.float64)
                logit = np.log(p) - np.log1p(-p)
            made[row] = 1.0 / (1.0 + np.exp(-(logit / self.temperature + self.shift)))
        return made

    @classmethod
    def keeping(cls, level: int, temperature: float) -> tuple["Temperature", int]:
        """The scaling by a temperature with the smallest shift that moves a threshold onto a multiple of 1/256.

        Parameters
        ----------
        level : k of the threshold k/256 of the probabilities as they are.

        Returns
        -------
        The scaling, and k of the same threshold of the scaled probabilities.
        """
        scaled = _logit(level) / temperature
        nearest = min(max(round(LEVELS / (1.0 + exp(-scaled))), 1), LEVELS - 1)
        return cls(temperature, _logit(nearest) - scaled), nearest


def _logit(level: int) -> float:
    return log(level) - log(LEVELS - level)
