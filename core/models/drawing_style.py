"""How an expert draws, as a threshold of a model: thick and fine-branched at a low one, sparing at a high one.

A model that learned from several data sets meets several hands, and no threshold fits all of them. For each data set
its card keeps the one with the best F1 on the photographs that were held out of its training.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.threshold_rule import LEVELS, ThresholdRule

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class DrawingStyle:
    """The rule of a model that draws most like the expert of a data set.

    Parameters
    ----------
    name : of the data set, "DRIVE" for example.
    level, low_level, min_pixels : as of a ``ThresholdRule``.
    photographs : how many, held out of the training, have chosen it; 0: not known.

    Raises
    ------
    ValueError, TypeError : for a name or a number that cannot be used.
    """

    name: str
    level: int
    photographs: int = 0
    low_level: int | None = None
    min_pixels: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError("the name of a drawing style must be text")
        if self.name != style_name(self.name):
            raise ValueError(f"{self.name[:_LONGEST_NAME]!r} cannot be the name of a drawing style")
        numbers = (self.level, self.photographs, self.min_pixels, self.low_level or 0)
        if any(type(number) is not int for number in numbers):
            raise TypeError(f"the drawing style {self.name} has a number that is not whole")
        if self.photographs < 0:
            raise ValueError(f"{self.photographs} photographs cannot have chosen the drawing style {self.name}")
        _ = self.rule  # its own checks

    @property
    def rule(self) -> ThresholdRule:
        """How it makes masks."""
        return ThresholdRule(self.level, "style", self.low_level, self.min_pixels, self.name)

    @property
    def text(self) -> str:
        """In words, for a list."""
        many = "1 photograph" if self.photographs == 1 else f"{self.photographs} photographs"
        return f"{self.name} ({self.level}/{LEVELS}{f', chosen by {many}' if self.photographs else ''})"

    def to_record(self) -> dict[str, object]:
        """As plain JSON values; what changes nothing is left out."""
        values = {"name": self.name, "level": self.level, "photographs": self.photographs}
        refined = {"low_level": self.low_level, "min_pixels": self.min_pixels}
        return {**values, **{key: value for key, value in refined.items() if value}}

    @classmethod
    def from_record(cls, values: object) -> "DrawingStyle":
        """From plain JSON values. Raises ValueError, TypeError or KeyError where they cannot be used."""
        if not isinstance(values, Mapping):
            raise TypeError("a drawing style must be a mapping")
        known = {key: values[key] for key in ("photographs", "low_level", "min_pixels") if key in values}
        return cls(values["name"], values["level"], **known)


def style_name(text: str) -> str:
    """The text as it can be the name of a style: a line that is not too long; "own" where nothing is left of it."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    return plain[:_LONGEST_NAME].strip() or "own"


def checked_styles(styles: object) -> tuple[DrawingStyle, ...]:
    """The styles of a card, from boxes or plain JSON values.

    Raises
    ------
    ValueError, TypeError, KeyError : one cannot be used, or two have the same name.
    """
    if not isinstance(styles, Sequence) or isinstance(styles, str):
        raise TypeError("styles must be a list")
    found = tuple(one if isinstance(one, DrawingStyle) else DrawingStyle.from_record(one) for one in styles)
    if len({one.name for one in found}) < len(found):
        raise ValueError("two drawing styles have the same name")
    return found


def style_named(styles: Sequence[DrawingStyle], name: str) -> DrawingStyle | None:
    """The style of a name; capitals, spaces, hyphens and underscores do not matter where that leaves one alone."""
    exact = [one for one in styles if one.name == name]
    alike = exact or [one for one in styles if _plain(one.name) == _plain(name)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.casefold())
