"""Which values a label file holds, and which of them are vessel.

A label is not always black and white: arteries and veins are 1 and 2 or red and blue, the optic disc is drawn into the
same file, and 255 often means "not scored". Here such values are found, apart from the greys that JPEG and smooth edges
make; what cannot be seen in the picture is said by a ``LabelValues``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import LabelError
from core.types import BoolArray, ByteArray

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255; a grey value has three equal ones."""

FEW: Final = 16
"""A picture with at most so many colours holds them on purpose; with more, JPEG or smooth edges have made some."""

NEGLIGIBLE: Final = 0.005
"""Fewer pixels of a value than this share of all that is not background are a slip of the pen."""

THICK: Final = 0.025
"""What holds a disc of this radius (in shares of the picture's shorter side) is not a vessel: the widest of DRIVE,
STARE, CHASE_DB1 and HRF have 0.012, an optic disc 0.05."""

_MOSTLY_THICK: Final = 0.4
_FLAT_RANGE: Final = 16
_NEAR: Final = 40
_LEAST_SHARE: Final = 0.05
_TOKEN = re.compile(r"#([0-9a-f]{6})|(\d{1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LabelValues:
    """What the values of a label mean: ``vessel`` are vessel, ``ignored`` are not scored; all others are background."""

    vessel: tuple[Colour, ...]
    ignored: tuple[Colour, ...] = ()

    def __post_init__(self) -> None:
        if not self.vessel:
            raise LabelError("No value of the label is marked as vessel: name at least one.")
        both = set(self.vessel) & set(self.ignored)
        if both:
            raise LabelError(f"{values_text(sorted(both))} cannot be vessel and be ignored: name it once.")

    @classmethod
    def parse(cls, vessel: str, ignored: str = "") -> "LabelValues":
        """Values as a person writes them: ``1, 2`` or ``#ff0000,#0000ff``, grey values from 0 to 255.

        Raises
        ------
        LabelError : something else, or no vessel value at all.
        """
        return cls(_parsed(vessel), _parsed(ignored))

    @property
    def vessel_text(self) -> str:
        return values_text(self.vessel)

    @property
    def ignored_text(self) -> str:
        return values_text(self.ignored)

    @property
    def text(self) -> str:
        """In words: ``1,2 vessel, 255 not scored``."""
        return f"{self.vessel_text} vessel" + (f", {self.ignored_text} not scored" if self.ignored else "")


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value that a label holds: how many pixels have it, and which ``share`` of the picture that is.

    ``exact``: no noise of JPEG or smooth edges is about it. ``thick``: it fills an area wider than any vessel.
    """

    colour: Colour
    count: int
    share: float
    exact: bool = True
    thick: bool = False

    @property
    def text(self) -> str:
        return colour_text(self.colour)


class SeveralValuesError(LabelError):
    """A label holds several values, and which of them are vessel is not said. ``found`` are the values."""

    def __init__(self, sentence: str, found: Sequence[FoundValue]) -> None:
        super().__init__(sentence)
        self.found = tuple(found)


def joined_values(labels: Sequence[Sequence[FoundValue]]) -> tuple[FoundValue, ...]:
    """The values of several labels in one table, the most frequent first; shares are of the pixels of all."""
    counts: dict[Colour, int] = {}
    kinds: dict[Colour, tuple[bool, bool]] = {}
    total = 0.0
    for found in labels:
        total += found[0].count / found[0].share
        for value in found:
            counts[value.colour] = counts.get(value.colour, 0) + value.count
            exact, thick = kinds.get(value.colour, (True, False))
            kinds[value.colour] = exact and value.exact, thick or value.thick
    order = sorted(counts, key=lambda colour: -counts[colour])
    return tuple(FoundValue(colour, counts[colour], counts[colour] / total, *kinds[colour]) for colour in order)


def colour_text(colour: Colour) -> str:
    """``128`` for a grey value, else ``#rrggbb``."""
    red, green, blue = colour
    return str(red) if red == green == blue else f"#{red:02x}{green:02x}{blue:02x}"


def values_text(colours: Sequence[Colour]) -> str:
    return ",".join(colour_text(colour) for colour in colours)


def table_text(found: Sequence[FoundValue]) -> str:
    """The values with their shares, for a sentence: ``0 (91 %), 1 (8 %) and 255 (1 %)``."""
    words = [f"{value.text} ({_percent(value.share)})" for value in found]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def find_values(pixels: ByteArray) -> tuple[FoundValue, ...]:
    """The values that uint8 (H, W, 3) pixels hold on purpose, the most frequent (the background) first.

    Left out are values that only lie between two others at an edge, and slips of a few pixels.
    """
    colours, counts = _colours(pixels)
    background = colours[int(counts.argmax())]
    exact = len(colours) <= FEW
    if len(colours) > 2:
        away = distance_from(pixels, _colour(background))
        colours, counts = _exact(pixels, colours, counts, away) if exact else _clustered(pixels, background, away)
    order = np.argsort(-counts, kind="stable")
    total = pixels.shape[0] * pixels.shape[1]
    return tuple(
        FoundValue(_colour(colours[place]), int(counts[place]), float(counts[place]) / total, exact) for place in order
    )


def with_thickness(pixels: ByteArray, found: Sequence[FoundValue]) -> tuple[FoundValue, ...]:
    """The same values, each with whether it fills an area that is wider than any vessel."""
    nearest = nearest_value(pixels, found)
    limit = max(3.0, THICK * min(pixels.shape[:2]))
    return tuple(replace(value, thick=_is_thick(nearest == number, limit)) for number, value in enumerate(found))


def _is_thick(part: BoolArray, limit: float) -> bool:
    """Whether a good part of it is in areas that hold a disc of this radius; where vessels meet a small part is."""
    padded = cv2.copyMakeBorder(part.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    core = (cv2.distanceTransform(padded, cv2.DIST_L2, 3) > limit).astype(np.uint8)
    side = 2 * round(limit) + 1
    wide = cv2.bitwise_and(cv2.dilate(core, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), padded)
    return cv2.countNonZero(wide) > _MOSTLY_THICK * cv2.countNonZero(padded)


def suggest(found: Sequence[FoundValue]) -> LabelValues | None:
    """What the values probably mean, as a first answer for the user to check; None where nothing looks like vessels.

    The most frequent is background, what is wider than any vessel is none, and 255 beside small numbers is not scored.
    """
    others = found[1:]
    numbers = [value.colour[0] for value in others if len(set(value.colour)) == 1]
    marks_unknown = 255 in numbers and len(numbers) > 1 and 0 < sorted(numbers)[-2] <= 20
    ignored = [value.colour for value in others if marks_unknown and value.colour == (255, 255, 255)]
    vessel = [value.colour for value in others if not value.thick and value.colour not in ignored]
    return LabelValues(tuple(vessel), tuple(ignored)) if vessel else None


def are_arteries_and_veins(found: Sequence[FoundValue]) -> bool:
    """Whether the values are the usual colours of arteries and veins, all of which are vessel.

    Red and blue on black or white; crossings and doubtful vessels in other colours are a small part.
    """
    background, *others = found
    if len(others) < 2 or not (max(background.colour) <= 40 or min(background.colour) >= 215):
        return False
    red = sum(value.count for value in others if value.colour[0] >= 2 * max(value.colour[1:]))
    blue = sum(value.count for value in others if value.colour[2] >= 2 * max(value.colour[:2]))
    drawn = sum(value.count for value in others)
    return bool(red and blue) and red + blue >= 0.75 * drawn and not any(value.thick for value in others)


def apply_values(
    pixels: ByteArray, rule: LabelValues, found: Sequence[FoundValue]
) -> tuple[BoolArray, BoolArray | None]:
    """Vessels, and what is not scored (None: nothing), both bool (H, W): every pixel counts as the value nearest to it.

    Raises
    ------
    SeveralValuesError : not one of the vessel values is there; the sentence begins with "holds".
    """
    vessel, ignored = ([_match(colour, found) for colour in some] for some in (rule.vessel, rule.ignored))
    if not any(place is not None for place in vessel):
        raise SeveralValuesError(
            f"holds the values {table_text(found)}, and none that is marked as vessel: {rule.vessel_text}.", found
        )
    nearest = nearest_value(pixels, found)
    unscored = np.isin(nearest, [place for place in ignored if place is not None])
    return np.isin(nearest, [place for place in vessel if place is not None]), unscored if unscored.any() else None


def nearest_value(pixels: ByteArray, found: Sequence[FoundValue]) -> npt.NDArray[np.uint8]:
    """For each pixel the number of the nearest value, uint8 (H, W)."""
    best = np.full(pixels.shape[:2], np.iinfo(np.int32).max, np.int32)
    nearest = np.zeros(pixels.shape[:2], np.uint8)
    for number, value in enumerate(found):
        distance = np.zeros(pixels.shape[:2], np.int32)
        for channel in range(3):
            apart = pixels[:, :, channel].astype(np.int32) - value.colour[channel]
            distance += apart * apart
        closer = distance < best
        best[closer], nearest[closer] = distance[closer], number
    return nearest


def distance_from(pixels: ByteArray, colour: Colour) -> ByteArray:
    """How far each pixel is from a colour, uint8 (H, W): the largest difference of its channels."""
    apart = [np.abs(np.arange(256) - colour[channel]).astype(np.uint8)[pixels[:, :, channel]] for channel in range(3)]
    return np.asarray(np.maximum(np.maximum(apart[0], apart[1]), apart[2]), np.uint8)


def _parsed(text: str) -> tuple[Colour, ...]:
    colours: list[Colour] = []
    for word in re.split(r"[,;\s]+", text.strip()):
        if not word:
            continue
        match = _TOKEN.fullmatch(word)
        if match is None or (match[2] and int(match[2]) > 255):
            raise LabelError(
                f"'{word}' is not a value of a label: write grey values from 0 to 255 or colours as #ff0000."
            )
        number = int(match[1], 16) if match[1] else int(match[2]) * 0x010101
        colours.append((number >> 16, number >> 8 & 255, number & 255))
    return tuple(dict.fromkeys(colours))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.00095 else "under 0.1%"


def _colour(channels: npt.NDArray[np.uint8]) -> Colour:
    return int(channels[0]), int(channels[1]), int(channels[2])


def _colours(pixels: ByteArray) -> tuple[ByteArray, npt.NDArray[np.int64]]:
    """The different colours, uint8 (n, 3), and how many pixels have each."""
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        counts = np.bincount(red.ravel(), minlength=256)
        there = np.flatnonzero(counts)
        return np.repeat(there[:, None], 3, axis=1).astype(np.uint8), counts[there]
    packed = (red.astype(np.int32) << 16) | (green.astype(np.int32) << 8) | blue
    there, counts = np.unique(packed, return_counts=True)
    return np.stack([there >> 16, there >> 8 & 255, there & 255], axis=1).astype(np.uint8), counts


def _exact(
    pixels: ByteArray, colours: ByteArray, counts: npt.NDArray[np.int64], away: ByteArray
) -> tuple[ByteArray, npt.NDArray[np.int64]]:
    """Of a few exact colours those that were painted on purpose."""
    square = np.ones((3, 3), np.uint8)
    between = (cv2.erode(away, square) < away) & (cv2.dilate(away, square) > away)
    drawn = int(counts.sum() - counts.max())
    strength = np.abs(colours.astype(int) - colours[int(counts.argmax())]).max(axis=1)
    kept = []
    for number, colour in enumerate(colours):
        strongest = strength[number] == strength.max()
        if counts[number] < counts.max() and not strongest:
            same = (pixels == colour).all(axis=2)
            edge = np.count_nonzero(between & same) > 0.5 * counts[number]
            if edge or counts[number] <= NEGLIGIBLE * drawn:
                continue
        kept.append(number)
    return colours[kept], counts[kept]


def _clustered(pixels: ByteArray, background: ByteArray, away: ByteArray) -> tuple[ByteArray, npt.NDArray[np.int64]]:
    """Of many colours those around which the even areas gather; the background first."""
    square = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(pixels, square) - cv2.erode(pixels, square)
    even = (spread.max(axis=2) <= _FLAT_RANGE) & (away > _NEAR)
    colours, counts = _colours(pixels[even][None]) if even.any() else _colours(pixels[away == away.max()][None])
    centres, masses = [background], [pixels.shape[0] * pixels.shape[1] - int(np.count_nonzero(away > _NEAR))]
    total, left = int(counts.sum()), counts.copy()
    while left.any():
        centre = colours[int(left.argmax())].astype(int)
        near = (np.abs(colours.astype(int) - centre).max(axis=1) <= _NEAR) & (left > 0)
        mass = int(left[near].sum())
        if mass < _LEAST_SHARE * total:
            break
        centres.append(centre.astype(np.uint8))
        masses.append(mass)
        left[near] = 0
    return np.array(centres, np.uint8), np.array(masses, np.int64)


def _match(colour: Colour, found: Sequence[FoundValue]) -> int | None:
    """The place of the value that is meant: itself, or the one near by where JPEG may have moved it."""
    apart = [max(abs(one - other) for one, other in zip(colour, each.colour, strict=True)) for each in found]
    place = int(np.argmin(apart))
    return place if apart[place] <= (0 if found[place].exact else _NEAR // 2) else None
