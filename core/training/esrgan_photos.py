"""Photographs for the training of a generator, as patches in one array, and which of them are for what.

Photographs of one person are never parted. The last of each data set are kept for measuring and the ones before them
for choosing between weights: neither is learned from. DRIVE's test part is not even opened here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from core.datasets.layouts import Case, read_layout
from core.errors import InputError, TrainingError
from core.photo.reading import read_fundus
from core.progress import SILENT, Monitor, Progress
from core.types import ByteArray

Part = Literal["training", "choosing", "measuring"]

PATCH_PX: Final = 128
_STEP_PX = 96
_LARGEST_PX = 2000
"""Wider photographs are halved: at full size those of HRF are smooth, and there is nothing sharp to learn from."""
_DARK = 20
_SPLITS: Final[dict[str, tuple[str, str, str]]] = {
    "drive": ("train", r"3[789]_|40_", r"(?!)"),
    "stare": ("train", r"im0082|im0139", r"(?!)"),
    "chase_db1": ("train", r"Image_0[78]", r"Image_(09|10)"),
    "hrf": ("train", r"0[78]_", r"(09|10)_"),
}
"""The split, and the names of the photographs for choosing and for measuring: a part of a data set will do, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Square pieces of photographs: uint8 (M, PATCH_PX, PATCH_PX, 3), and of which data set each is."""

    rgb: ByteArray
    data_sets: tuple[str, ...]
    photographs: dict[str, int]


def cases_for(root: Path, part: Part) -> dict[str, tuple[Case, ...]]:
    """The photographs for a part, by data set; a data set that is not below ``root`` is left out."""
    found = {}
    for name, (split, choosing, measuring) in _SPLITS.items():
        try:
            cases = read_layout(name, root, split, complete=False).cases
        except InputError:
            continue
        chosen = []
        for case in cases:
            is_for: Part = "choosing" if re.match(choosing, case.stem) else "training"
            if re.match(measuring, case.stem):
                is_for = "measuring"
            chosen += [case] if is_for == part else []
        if chosen:
            found[name] = tuple(chosen)
    return found


def load_patches(root: Path, part: Part, *, monitor: Monitor = SILENT) -> Patches:
    """Read the photographs of a part and cut them into overlapping patches; those that are mostly black are left out.

    Raises
    ------
    TrainingError : there are no photographs. InputError : one cannot be read. Cancelled : by the monitor.
    """
    found = cases_for(root, part)
    if not found:
        raise TrainingError(
            f"{root} has no photographs of DRIVE, STARE, CHASE_DB1 or HRF for {part}. Give the folder that holds them."
        )
    pieces: list[ByteArray] = []
    names: list[str] = []
    total = sum(len(cases) for cases in found.values())
    for name, cases in found.items():
        for case in cases:
            monitor.step(Progress("Reading the photographs", len(set(names)), total))
            cut = list(_cut(sound_picture(read_fundus(case.photo).rgb)))
            pieces += cut
            names += [f"{name}/{case.stem}"] * len(cut)
    counts = {name: len(cases) for name, cases in found.items()}
    return Patches(np.stack(pieces), tuple(name.partition("/")[0] for name in names), counts)


def sound_picture(rgb: ByteArray) -> ByteArray:
    """A photograph as a generator learns it: very large ones at half size."""
    height, width = rgb.shape[:2]
    if max(height, width) <= _LARGEST_PX:
        return rgb
    return np.asarray(cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _cut(rgb: ByteArray) -> Iterator[ByteArray]:
    height, width = rgb.shape[:2]
    for top in _starts(height):
        for left in _starts(width):
            piece = rgb[top : top + PATCH_PX, left : left + PATCH_PX]
            if (piece.max(axis=2) > _DARK).mean() > 0.5:
                yield piece


def _starts(length: int) -> list[int]:
    return sorted({*range(0, length - PATCH_PX, _STEP_PX), length - PATCH_PX})
