"""The rule by which a probability map becomes a mask. Free of NumPy, for the cards of models and lists of them."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

ThresholdOrigin = Literal["model", "user", "style", "otsu", "youden", "best_f1", "expert", "sidecar", "default"]

LEVELS = 256
"""Thresholds are k/256 with k in 1..255, so that p >= k/256 is the same as level >= k (``types.ProbabilityMap``)."""


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """How a probability map becomes a mask: vessel where p >= level / 256 (``core.masks.threshold``).

    ``level`` is 1..255; ``origin`` says who chose it, because a threshold that was chosen on a label biases its scores.

    ``low_level``, 1..``level``: hysteresis. A pixel with p >= low_level / 256 is vessel, too, where pixels of this kind
    connect it with one at ``level`` or higher. None: no hysteresis. ``min_pixels``: vessels of fewer pixels are left
    out; 0: none.

    ``style``: the name of the drawing style where ``origin`` is "style", and empty elsewhere.
    """

    level: int
    origin: ThresholdOrigin = "user"
    low_level: int | None = None
    min_pixels: int = 0
    style: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= LEVELS - 1:
            raise ValueError(f"threshold level must be 1 to {LEVELS - 1}, not {self.level}")
        if self.low_level is not None and not 1 <= self.low_level <= self.level:
            raise ValueError(f"the low level must be 1 to the level {self.level}, not {self.low_level}")
        if self.min_pixels < 0:
            raise ValueError(f"a vessel cannot have fewer than 0 pixels, not even {self.min_pixels}")
        if (self.origin == "style") != bool(self.style):
            raise ValueError(f"a threshold of a drawing style names it, and no other does: {self.style!r:.80}")

    @property
    def threshold(self) -> float:
        """The exact probability threshold, a multiple of 1/256."""
        return self.level / LEVELS

    @property
    def low(self) -> float | None:
        """The lower threshold of the hysteresis, a multiple of 1/256; None without one."""
        return None if self.low_level is None else self.low_level / LEVELS

    @property
    def is_plain(self) -> bool:
        """Whether each pixel is judged by itself: no hysteresis, and no smallest vessel."""
        return self.low_level in (None, self.level) and self.min_pixels <= 1

    @property
    def makes(self) -> tuple[int, int, int]:
        """What tells rules apart that make other masks: level, low level, smallest vessel in pixels."""
        return self.level, self.level if self.low_level is None else self.low_level, max(self.min_pixels, 1)

    def to_values(self) -> dict[str, Any]:
        """As plain JSON values by field; the style is left out where there is none, as older programs know the rule."""
        values = asdict(self)
        return values if self.style else {key: value for key, value in values.items() if key != "style"}

    @classmethod
    def nearest(cls, threshold: float, origin: ThresholdOrigin = "user") -> "ThresholdRule":
        """The rule whose threshold is nearest to the given probability."""
        return cls(_nearest_level(threshold), origin)

    def refined(self, low: float | None, min_pixels: int) -> "ThresholdRule":
        """The same threshold with hysteresis from ``low``, a probability, and a smallest vessel.

        None and 0 leave what the rule has.

        Raises
        ------
        ValueError : ``low`` is above the threshold or no probability, or ``min_pixels`` below 0.
        """
        low_level = self.low_level if low is None else _nearest_level(low)
        return ThresholdRule(self.level, self.origin, low_level, min_pixels or self.min_pixels, self.style)


def _nearest_level(threshold: float) -> int:
    if not 0.0 < threshold < 1.0:  # also refuses NaN
        raise ValueError(f"a threshold lies between 0 and 1, not {threshold}")
    return min(max(round(threshold * LEVELS), 1), LEVELS - 1)
