"""What the numbers in results of others mean: masks, probabilities of any scale, or neither.

Nothing is guessed where a wrong guess would give scores: class numbers and unknown scales are refused, with the option
by which a person says what they mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.types import FloatArray

PredictionKind = Literal["masks", "probabilities"]

FEW: Final = 8
"""So few different whole numbers are classes, such as artery and vein, and no probabilities."""

TOPS: Final = (1, 100, 255, 1000, 4095, 10000, 65535)
"""What certainty may be: decimals, percent, 8 bit, per mille, 12 bit, hundredths of a percent, 16 bit."""

NEAR_TOP: Final = 0.9
"""The highest value of all results reaches at least this share of what certainty is."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one result holds: lowest and highest value; all its values where they are few, else None; whether they are
    whole numbers; and what its type can hold (0: says nothing)."""

    name: str
    low: float
    high: float
    values: tuple[float, ...] | None
    whole: bool
    type_top: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """How results are taken: vessel where a value is one of ``vessel`` (empty: where it is not 0), or divided by
    ``top``. ``note`` says it where it is not plain."""

    kind: PredictionKind
    vessel: tuple[float, ...] = ()
    top: float = 1.0
    note: str = ""

    def mask(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        return np.isin(values, self.vessel) if self.vessel else np.asarray(values != 0)

    def probabilities(self, values: npt.NDArray[Any]) -> FloatArray:
        if self.kind == "masks":
            return self.mask(values).astype(np.float32)
        return np.clip(values / np.float64(self.top), 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person has said about results: which values are vessel, or which one is certainty."""

    vessel: tuple[float, ...] = ()
    top: float | None = None


NOTHING_SAID = Said()


def look_at(name: str, values: npt.NDArray[Any]) -> Numbers:
    """What an array (H, W) holds. Raises InputError where values are missing (NaN) or infinite."""
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            f"{name} holds values from {low:g} to {high:g}: probabilities lie between 0 and 1. "
            "Replace what is not a number."
        )
    flat = values.reshape(-1)
    few = np.unique(flat[:: max(1, flat.size // 4096)])
    if few.size <= FEW:
        few = np.unique(flat)
    whole = values.dtype.kind in "iu" or bool((few == np.rint(few)).all())
    kind = values.dtype
    top = int(np.iinfo(kind).max) if kind.kind == "u" and kind.itemsize <= 2 else 0
    return Numbers(name, low, high, tuple(few.tolist()) if few.size <= FEW else None, whole, top)


def decide(numbers: Sequence[Numbers], said: Said = NOTHING_SAID) -> dict[str, Meaning]:
    """How each of several results is taken, by its name; the results are those of one method.

    Raises
    ------
    InputError : they are neither masks nor probabilities, or of an unknown scale.
    """
    if said.vessel:
        return _as_said(numbers, said.vessel)
    union = {value for one in numbers for value in one.values or ()}
    if len(union) == 2 and said.top is None and all(one.values is not None for one in numbers):
        low, high = sorted(union)
        plain = low == 0 and high in {1, 255, 65535}
        note = "" if plain else f"The results hold {low:g} and {high:g}: taken as masks, {high:g} is vessel."
        return {one.name: Meaning("masks", (high,), note=note) for one in numbers}
    masks = [one for one in numbers if one.low == 0 and len(one.values or range(3)) <= 2]
    maps = [one for one in numbers if one not in masks]
    meanings = {one.name: Meaning("masks") for one in masks}
    for top in sorted({one.type_top for one in maps}):
        alike = [one for one in maps if one.type_top == top]
        meaning = _scale(alike, said)
        meanings |= {one.name: meaning for one in alike}
    return meanings


def _as_said(numbers: Sequence[Numbers], vessel: tuple[float, ...]) -> dict[str, Meaning]:
    for one in numbers:
        if one.values is None:
            raise InputError(
                f"{one.name} holds many different values from {one.low:g} to {one.high:g}: it is not a mask of a few "
                "values. Leave out --prediction-values."
            )
    there = {value for one in numbers for value in one.values or ()}
    if not there & set(vessel):
        raise InputError(f"The results hold {_listed(there)}, and none of the values {_listed(vessel)}.")
    note = f"Taken as masks: vessel is {_listed(vessel)}, of the values {_listed(there)}."
    return {one.name: Meaning("masks", vessel, note=note) for one in numbers}


def _scale(maps: Sequence[Numbers], said: Said) -> Meaning:
    lowest, highest = min(maps, key=lambda one: one.low), max(maps, key=lambda one: one.high)
    low, high = lowest.low, highest.high
    union = {value for one in maps for value in one.values or ()}
    few = all(one.values is not None for one in maps) and len(union) <= FEW
    if said.top is not None:
        if low < 0 or high > said.top:
            name = (lowest if low < 0 else highest).name
            raise InputError(f"{name} holds values from {low:g} to {high:g}, which is beyond 0 to {said.top:g}.")
        return Meaning("probabilities", top=said.top, note=f"{said.top:g} in the results is taken as certainty.")
    if few and (all(one.whole for one in maps) or high < 0.1):
        raise InputError(
            f"{highest.name} holds the numbers {_listed(union)}, as classes such as artery and vein have: these are no "
            "probabilities. Say which of them are vessel (--prediction-values on the command line), or give masks or "
            "probabilities."
        )
    if low < 0:
        raise InputError(
            f"{lowest.name} holds values from {low:g} to {high:g}, as logits do: probabilities lie between 0 and 1. "
            "Apply the logistic function, or save masks."
        )
    decimals = highest.type_top == 0 and not highest.whole
    if decimals and high <= 1.0 + 1e-4:
        dim = f"No value of the results is above {high:.3g}: are they probabilities?" if high < 0.5 else ""
        return Meaning("probabilities", note=dim)
    top = next((one for one in TOPS if NEAR_TOP * one <= high <= one), 0)
    if not top and highest.type_top and high >= 0.5 * highest.type_top:
        top = highest.type_top
    if not top:
        of = f" of {highest.type_top}" if highest.type_top else ""
        raise InputError(
            f"The highest value of the results is {high:g}{of} (in {highest.name}), and which value is certainty is "
            "not known: probabilities lie between 0 and 1. Say it (--prediction-max on the command line), or save "
            "decimals."
        )
    unit = {100: " (percent)", 1000: " (per mille)"}.get(top, "")
    note = "" if top == highest.type_top else f"The results reach {high:g}: {top} is taken as certainty{unit}."
    return Meaning("probabilities", top=float(top), note=note)


def _listed(values: Sequence[float] | set[float]) -> str:
    words = [f"{value:g}" for value in sorted(values)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
