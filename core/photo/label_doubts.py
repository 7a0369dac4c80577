"""What is doubtful about a file that somebody gives as an expert's label, so that a person can decide.

``read_label`` refuses what cannot be meant. Here nothing is refused that can be read: each doubt is a sentence, and
where there is a reading of the file that would make sense, it is offered.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from core.errors import InputError, LabelError
from core.files import shown
from core.photo.decoding import decode
from core.photo.two_valued import split_at_half
from core.types import BoolArray, ExpertLabel

DoubtKind = Literal["size", "empty", "full", "inverted", "grey"]
Remedy = Literal["", "invert", "cut"]
"""What may be offered: nothing but another file, to take dark for vessel, or to cut grey values at half."""

BRIGHT_IS_VESSEL = "Vessels must be the bright part: invert the file, or choose another."
MAX_VESSEL_SHARE = 0.5
"""Above this share of the region a label is taken for inverted. No expert draws half of a retina: those of the
published sets draw 0.06 to 0.22 of the field of view."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that is doubtful, in a sentence; ``remedy`` is what could be done to use the file all the same."""

    kind: DoubtKind
    sentence: str
    remedy: Remedy = ""


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedLabel:
    """A file as a label, with every doubt about it.

    ``vessel`` is bool (H, W), bright for vessel (grey values cut at half), None where nothing could come of it: wrong
    size, or the same everywhere. Without doubts it is what ``read_label`` gives.
    """

    path: Path
    vessel: BoolArray | None
    doubts: tuple[Doubt, ...]

    @property
    def usable(self) -> bool:
        """Whether the file can be taken as it is or with remedies."""
        return self.vessel is not None

    def accept(self, *, invert: bool = False) -> ExpertLabel:
        """The label, after a person has seen the doubts; ``invert`` takes the dark pixels for vessel.

        Raises
        ------
        LabelError : nothing can come of this file.
        """
        if self.vessel is None:
            raise LabelError(" ".join(doubt.sentence for doubt in self.doubts))
        return ExpertLabel(~self.vessel if invert else self.vessel, source=self.path)


def examine_label(
    path: Path, *, shape: tuple[int, int] | None = None, inside: BoolArray | None = None
) -> ExaminedLabel:
    """Read a file as a label and say what is doubtful about it.

    Parameters
    ----------
    shape : height and width of the photograph; None for any.
    inside : bool (H, W), the field of view, in which vessels are counted to find inverted labels; None: everywhere.

    Raises
    ------
    LabelError : the file is no picture that can be read.
    """
    path = Path(path)
    name = shown(path.name)
    try:
        picture = decode(path)
    except InputError as error:
        raise LabelError(str(error)) from error
    height, width = picture.pixels.shape[:2]
    if shape is not None and (height, width) != tuple(shape):
        size = f"{width} x {height} pixels, but the photograph has {shape[1]} x {shape[0]}"
        return ExaminedLabel(path, None, (Doubt("size", f"{name} has {size}: it was made for another picture."),))
    split = split_at_half(picture.pixels)
    if split.upper is None:
        if picture.pixels[0, 0].any():
            doubt = Doubt("full", f"{name} is the same bright value everywhere: all of it would be vessel.")
        else:
            doubt = Doubt("empty", f"{name} is black everywhere: no vessel is drawn in it.")
        return ExaminedLabel(path, None, (doubt,))
    doubts = []
    if split.grey:
        sentence = f"{name} holds {split.values} grey values, as a photograph or a probability map does."
        doubts.append(Doubt("grey", f"{sentence} Cut at half, it can be used as a mask.", "cut"))
    found = doubt_of_share(name, vessel_share(split.upper, inside))
    if found is not None:
        help_with = {"inverted": " Taking the dark parts for vessels may help."}
        doubts.append(replace(found, sentence=found.sentence + help_with.get(found.kind, "")))
    split.upper.setflags(write=False)
    return ExaminedLabel(path, split.upper, tuple(doubts))


def refuse_inverted(label: ExpertLabel, inside: BoolArray | None = None) -> None:
    """Raise LabelError for a label that has more vessel than background in the region: nobody is there to ask."""
    name = shown(label.source.name) if label.source else "the label"
    doubt = doubt_of_share(name, vessel_share(label.vessel, inside))
    if doubt is not None and doubt.kind == "inverted":
        raise LabelError(f"{doubt.sentence} {BRIGHT_IS_VESSEL}")


def doubt_of_share(name: str, share: float) -> Doubt | None:
    """What the share of vessels in the field of view (0 to 1) says about a label."""
    if share > MAX_VESSEL_SHARE:
        sentence = f"In {name} {share:.0%} would be vessel, more than any expert draws: it looks inverted."
        return Doubt("inverted", sentence, "invert")
    if share == 0.0:
        return Doubt("empty", f"No vessel of {name} lies inside the field of view.")
    return None


def vessel_share(vessel: BoolArray, inside: BoolArray | None = None) -> float:
    """The share of vessel pixels in a region (everywhere for None), 0 to 1; the region is not empty."""
    if inside is None:
        return float(np.count_nonzero(vessel)) / vessel.size
    return float(np.count_nonzero(vessel & inside)) / max(1, int(np.count_nonzero(inside)))
