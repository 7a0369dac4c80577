"""Photographs, expert labels and fields of view from picture files of the kinds that cameras and data sets use."""

from pathlib import Path

import numpy as np

from core.errors import FieldOfViewError, InputError, LabelError
from core.files import display_path
from core.photo.binary_image import split_at_half
from core.photo.decoding import Picture, check_single, decode
from core.photo.label_values import LabelValues, SeveralValuesError, apply_values, find_values, table_text
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, FundusImage

PHOTO_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".tif", ".tiff", ".bmp", ".gif", ".webp"),
    *(".ppm", ".pgm", ".pnm", ".ppm.gz", ".pgm.gz", ".pnm.gz"),
)
"""How the names of readable files end, in lower case, for file dialogs and for looking through a folder."""

WHICH_ARE_VESSEL = (
    "Say which of them are vessel (--vessel-values on the command line, vessel_values in Python), or choose another "
    "file."
)

MIN_SIDE_PX = 32
"""Shortest side of a photograph: no vessel can be seen in a smaller one."""


def is_photo_path(path: Path) -> bool:
    """Whether the name is that of a readable picture (by suffix; hidden files are not meant)."""
    name = path.name.lower()
    return name.endswith(PHOTO_SUFFIXES) and not name.startswith(".")


def read_fundus(path: Path) -> FundusImage:
    """Read a colour fundus photograph from PNG, JPEG, TIFF, BMP, GIF, WebP, PPM or PGM (the last two also gzipped).

    The photograph is upright (EXIF orientation applied once) and 8 bit; 16-bit files are scaled by the bits that they
    really use (``sixteen_bit.photo_depth``). Of several pictures in a file the first is read, and a note says so. Grey
    photographs get three equal channels; transparent parts become black.
    None of these formats tells the size of a pixel on the retina (their dpi is that of a print): ``pixel_um`` is None.

    Raises
    ------
    InputError : everything that ``decoding.decode`` refuses, a 1-bit picture, one smaller than 32 pixels, or one that
        is the same everywhere.
    """
    path = Path(path)
    picture = decode(path, is_photograph=True)
    height, width = picture.pixels.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        raise InputError(
            f"{display_path(path.name)} is too small to be a fundus photograph: {width} x {height} pixels, "
            f"and each side needs at least {MIN_SIDE_PX}. Choose the original photograph."
        )
    if picture.bits == 1:
        raise InputError(
            f"{display_path(path.name)} is a black-and-white (1-bit) picture, such as a mask, not a photograph. "
            "Choose the photograph itself."
        )
    corner = picture.pixels[0, 0]
    if (picture.pixels[::16] == corner).all() and (picture.pixels == corner).all():  # the first part is quick
        raise InputError(
            f"{display_path(path.name)} shows nothing: all its pixels have the same value. Choose another photograph."
        )
    notes = list(picture.notes)
    if picture.more:
        notes.append(
            f"{display_path(path.name)} holds {picture.more + 1} pictures: only the first of them was looked at."
        )
    return FundusImage(
        picture.pixels,
        source=path,
        pixel_um=picture.capture.pixel_um,
        laterality=picture.capture.laterality,
        taken=picture.capture.taken,
        bit_depth=picture.bits,
        sha256=picture.sha256,
        turned=picture.turned,
        notes=tuple(notes),
    )


def read_label(path: Path, *, shape: tuple[int, int] | None = None, values: LabelValues | None = None) -> ExpertLabel:
    """Read vessels as an expert drew them: brighter pixels are vessel.

    Taken are two values of any kind (0 and 255, 0 and 1, a palette, 1 bit), red and blue on black or white (arteries
    and veins: all are vessel), and grey values that are two-valued but for the noise of JPEG or smooth edges, cut at
    half. Of a file with other values ``values`` says which are vessel.

    Parameters
    ----------
    path : the label file.
    shape : height and width of the photograph, to be compared; None for any.
    values : which values are vessel and which are not scored; None: as above.

    Raises
    ------
    LabelError : unreadable, of another size, empty, all vessel, not two-valued (a photograph, a probability map), of
        several values where nobody says what they mean, or without the values that are said to be vessel.
    """
    path = Path(path)
    try:
        picture = decode(path)
        check_single(path, picture.more)
        _check_shape(path, picture, shape, "label")
        if values is not None:
            return label_by_values(path, picture.pixels, values)
        vessel = _two_valued(path, picture, "label")
    except LabelError:
        raise
    except InputError as error:
        raise LabelError(str(error)) from error
    if vessel is None:
        raise LabelError(
            f"The label {display_path(path.name)} is the same everywhere: no vessel is drawn in it. Choose another "
            "label."
        )
    return ExpertLabel(vessel, source=path)


def label_by_values(path: Path, pixels: ByteArray, values: LabelValues) -> ExpertLabel:
    """The label whose uint8 (H, W, 3) pixels have these values. Raises LabelError where none of them is there."""
    try:
        vessel, ignored = apply_values(pixels, values, find_values(pixels))
    except SeveralValuesError as error:
        raise SeveralValuesError(f"The label {display_path(path.name)} {error}", error.found) from None
    return ExpertLabel(vessel, source=path, ignored=ignored)


def read_fov(path: Path, *, shape: tuple[int, int] | None = None) -> FieldOfView:
    """Read a field of view from a mask file: brighter pixels are inside. Values are taken as by ``read_label``.

    A mask that is white everywhere is the whole picture.

    Raises
    ------
    FieldOfViewError : unreadable, of another size than ``shape`` (height, width), all black, or not two-valued.
    """
    path = Path(path)
    try:
        picture = decode(path)
        check_single(path, picture.more)
        _check_shape(path, picture, shape, "field-of-view mask")
        inside = _two_valued(path, picture, "field-of-view mask")
    except FieldOfViewError:
        raise
    except InputError as error:
        raise FieldOfViewError(str(error)) from error
    if inside is None:
        if not picture.pixels.any():
            raise FieldOfViewError(
                f"The field-of-view mask {display_path(path.name)} is all black: nothing is inside. Choose another "
                "mask."
            )
        inside = np.ones(picture.pixels.shape[:2], np.bool_)
    return FieldOfView(inside, "file", source=path)


def _check_shape(path: Path, picture: Picture, shape: tuple[int, int] | None, role: str) -> None:
    height, width = picture.pixels.shape[:2]
    if shape is not None and (height, width) != tuple(shape):
        raise InputError(
            f"The {role} {display_path(path.name)} has {width} x {height} pixels, but the photograph has "
            f"{shape[1]} x {shape[0]}. Choose the {role} that was made for this photograph."
        )


def _two_valued(path: Path, picture: Picture, role: str) -> BoolArray | None:
    """The brighter of two values, or None where there is only one."""
    split = split_at_half(picture.pixels)
    if split.several:
        holds = f"The {role} {display_path(path.name)} is not black and white: it holds the values"
        if role == "label":
            raise SeveralValuesError(f"{holds} {table_text(split.found)}. {WHICH_ARE_VESSEL}", split.found)
        raise InputError(f"{holds} {table_text(split.found)}. Save it as black and white, or choose another mask.")
    if split.grey:
        raise InputError(
            f"The {role} {display_path(path.name)} is not black and white: it holds {split.values} grey values, many "
            "of them in the middle, as in a photograph or a probability map. Choose another file, or threshold it."
        )
    return split.upper
