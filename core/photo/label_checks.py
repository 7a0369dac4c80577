"""What is doubtful about a file that somebody gives as an expert's label, so that a person can decide.

``read_label`` refuses what cannot be meant. Here nothing is refused that can be read: each doubt is a sentence, and
where there is a reading of the file that would make sense, it is offered.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from core.errors import InputError, LabelError
from core.files import display_path
from core.photo.binary_image import split_at_half
from core.photo.decoding import check_single, decode
from core.photo.label_matching import TURNS, find_turn, find_wrong_pair
from core.photo.label_values import FoundValue, LabelValues, find_values, table_text, with_thickness
from core.photo.reading import label_by_values
from core.photo.samples import turned
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, FundusImage

LabelDoubtKind = Literal["size", "empty", "full", "inverted", "grey", "values", "pair"]
Remedy = Literal["", "invert", "cut", "values", "turn"]
"""What may be offered: nothing but another file, to take dark for vessel, to cut grey values at half, to say which
values are vessel, or to turn the label."""

BRIGHT_IS_VESSEL = "Vessels must be the bright part: invert the file, or choose another."
MAX_VESSEL_SHARE = 0.5
"""Above this share of the region a label is taken for inverted. No expert draws half of a retina: those of the
published sets draw 0.06 to 0.22 of the field of view."""


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """One thing that is doubtful, in a sentence; ``remedy`` is what could be done to use the file all the same."""

    kind: LabelDoubtKind
    sentence: str
    remedy: Remedy = ""


@dataclass(frozen=True, slots=True)
class LabelReading:
    """How a file is read as a label, where a person has said it: what its values mean, and the EXIF orientation that it
    is turned upright from (1: none)."""

    values: LabelValues | None = None
    turn: int = 1


AS_IT_IS = LabelReading()


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedLabel:
    """A file as a label, with every doubt about it.

    ``vessel`` is bool (H, W), bright for vessel (grey values cut at half), None where nothing could come of it: wrong
    size, the same everywhere, or several values of which nobody has said what they mean. Without doubts it is what
    ``read_label`` gives. ``found`` are the values of the file where there are several; ``turn`` is the orientation in
    which it would fit the photograph.
    """

    path: Path
    vessel: BoolArray | None
    doubts: tuple[LabelDoubt, ...]
    ignored: BoolArray | None = None
    found: tuple[FoundValue, ...] = ()
    turn: int = 1

    @property
    def usable(self) -> bool:
        """Whether the file can be taken as it is or with remedies."""
        return self.vessel is not None

    def accept(self, *, invert: bool = False) -> ExpertLabel:
        """The label, after a person has seen the doubts; ``invert`` takes the dark pixels for vessel.

        Raises
        ------
        LabelError : nothing can come of this file as it is read.
        """
        if self.vessel is None:
            raise LabelError(" ".join(doubt.sentence for doubt in self.doubts))
        return ExpertLabel(~self.vessel if invert else self.vessel, source=self.path, ignored=self.ignored)


def examine_label(
    path: Path,
    *,
    shape: tuple[int, int] | None = None,
    inside: BoolArray | None = None,
    image: FundusImage | None = None,
    reading: LabelReading = AS_IT_IS,
) -> ExaminedLabel:
    """Read a file as a label and say what is doubtful about it.

    Parameters
    ----------
    shape : height and width of the photograph; None for any.
    inside : bool (H, W), the field of view, in which vessels are counted to find inverted labels; None: everywhere.
    image : the photograph, to find out whether the label belongs to it; None: that is not asked.
    reading : what a person has said about the file.

    Raises
    ------
    LabelError : the file is not a picture that can be read.
    """
    path = Path(path)
    try:
        picture = decode(path)
        check_single(path, picture.more)
        pixels = turned(picture.pixels, reading.turn)
    except InputError as error:
        raise LabelError(str(error)) from error
    if shape is not None and pixels.shape[:2] != tuple(shape):
        return _of_other_size(path, pixels, shape, inside, image)
    examined = _examine_pixels(path, pixels, reading)
    if examined.vessel is None:
        return examined
    examined.vessel.setflags(write=False)
    doubts = list(examined.doubts)
    found = doubt_of_share(display_path(path.name), vessel_share(examined.vessel, inside))
    if found is not None:
        help_with = {"inverted": " Taking the dark parts for vessels may help."}
        doubts.append(replace(found, sentence=found.sentence + help_with.get(found.kind, "")))
        return replace(examined, doubts=tuple(doubts))
    if image is None or inside is None or image.shape != examined.vessel.shape:
        return replace(examined, doubts=tuple(doubts))
    wrong = find_wrong_pair(image, FieldOfView(inside, "file"), ExpertLabel(examined.vessel, path))
    if wrong is None:
        return replace(examined, doubts=tuple(doubts))
    doubts.append(LabelDoubt("pair", wrong.sentence, "turn" if wrong.turn != 1 else ""))
    return replace(examined, doubts=tuple(doubts), turn=wrong.turn)


def _of_other_size(
    path: Path, pixels: ByteArray, shape: tuple[int, int], inside: BoolArray | None, image: FundusImage | None
) -> ExaminedLabel:
    height, width = pixels.shape[:2]
    size = f"{width} x {height} pixels, but the photograph has {shape[1]} x {shape[0]}"
    if (width, height) == tuple(shape) and image is not None and inside is not None:
        vessel = split_at_half(pixels).upper
        turn = find_turn(image, FieldOfView(inside, "file"), vessel) if vessel is not None else 1
        if turn != 1:
            sentence = f"{display_path(path.name)} has {size}. It fits when it is {TURNS[turn]}."
            return ExaminedLabel(path, None, (LabelDoubt("size", sentence, "turn"),), turn=turn)
    doubt = LabelDoubt("size", f"{display_path(path.name)} has {size}: it was made for another picture.")
    return ExaminedLabel(path, None, (doubt,))


def _examine_pixels(path: Path, pixels: ByteArray, reading: LabelReading) -> ExaminedLabel:
    """What the pixels alone say."""
    name = display_path(path.name)
    if reading.values is not None:
        found = with_thickness(pixels, find_values(pixels))
        try:
            label = label_by_values(path, pixels, reading.values)
        except LabelError as error:
            return ExaminedLabel(path, None, (LabelDoubt("values", str(error), "values"),), found=found)
        return ExaminedLabel(path, label.vessel.copy(), (), ignored=label.ignored, found=found)
    split = split_at_half(pixels)
    if split.upper is None:
        if pixels[0, 0].any():
            doubt = LabelDoubt("full", f"{name} is the same bright value everywhere: all of it would be vessel.")
        else:
            doubt = LabelDoubt("empty", f"{name} is black everywhere: no vessel is drawn in it.")
        return ExaminedLabel(path, None, (doubt,))
    if split.several:
        sentence = f"{name} holds the values {table_text(split.found)}. Which of them are vessel?"
        return ExaminedLabel(path, None, (LabelDoubt("values", sentence, "values"),), found=split.found)
    if split.grey:
        sentence = f"{name} holds {split.values} grey values, as a photograph or a probability map does."
        doubt = LabelDoubt("grey", f"{sentence} Cut at half, it can be used as a mask.", "cut")
        return ExaminedLabel(path, split.upper, (doubt,))
    return ExaminedLabel(path, split.upper, ())


def refuse_inverted(label: ExpertLabel, inside: BoolArray | None = None) -> None:
    """Raise LabelError for a label that has more vessel than background in the region: nobody is there to ask."""
    name = display_path(label.source.name) if label.source else "the label"
    doubt = doubt_of_share(name, vessel_share(label.vessel, inside))
    if doubt is not None and doubt.kind == "inverted":
        raise LabelError(f"{doubt.sentence} {BRIGHT_IS_VESSEL}")


def doubt_of_share(name: str, share: float) -> LabelDoubt | None:
    """What the share of vessels in the field of view (0 to 1) says about a label."""
    if share > MAX_VESSEL_SHARE:
        sentence = f"In {name} {share:.0%} would be vessel, more than any expert draws: it looks inverted."
        return LabelDoubt("inverted", sentence, "invert")
    if share == 0.0:
        return LabelDoubt("empty", f"No vessel of {name} lies inside the field of view.")
    return None


def vessel_share(vessel: BoolArray, inside: BoolArray | None = None) -> float:
    """The share of vessel pixels in a region (everywhere for None), 0 to 1; the region is not empty."""
    if inside is None:
        return float(np.count_nonzero(vessel)) / vessel.size
    return float(np.count_nonzero(vessel & inside)) / max(1, int(np.count_nonzero(inside)))
