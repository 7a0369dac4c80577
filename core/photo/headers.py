"""What kind of picture a file holds and how large it claims to be, found out before memory is taken for its pixels."""

import re
from pathlib import Path
from typing import Literal

from core.errors import InputError
from core.files import display_path

FileFormat = Literal["PNG", "JPEG", "TIFF", "BMP", "GIF", "WebP", "PNM"]

MAX_PIXELS = 100_000_000
"""Largest photograph that is read (10,000 x 10,000): several times the largest fundus camera, 300 MB in memory."""

MAX_FILE_BYTES = 1_000_000_000
"""Largest file that is loaded; a 16-bit RGB picture of ``MAX_PIXELS`` has 600 MB."""

_SIGNATURES: tuple[tuple[bytes, FileFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)

# What people open by mistake, as (offset, bytes, what it is).
_STRANGERS: tuple[tuple[int, bytes, str], ...] = (
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"RIFF", "a video or sound file"),
    (4, b"ftyp", "a HEIC, AVIF or video file"),
    (4, b"jP  ", "a JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (0, b"<", "a web page or another text"),
)


def sniff(path: Path, data: bytes) -> FileFormat:
    """The kind of picture by its first bytes; the suffix of the name is not trusted.

    Raises
    ------
    InputError : no kind that can be read.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if re.match(rb"P[1-6]\s", data):
        return "PNM"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    known = (what for offset, signature, what in _STRANGERS if data.startswith(signature, offset))
    what = next(known, "something else, or damaged")
    raise InputError(
        f"{display_path(path.name)} is not a picture that can be read: it is {what}. "
        "Export the photograph as PNG, TIFF or JPEG (also BMP, GIF, WebP, PPM and PGM are read)."
    )


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse a size that no fundus photograph has.

    Raises
    ------
    InputError : no pixel at all, or more than ``MAX_PIXELS``.
    """
    if width < 1 or height < 1:
        raise InputError(
            f"{display_path(path.name)} is damaged: its header says {width} x {height} pixels. Export it again."
        )
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{display_path(path.name)} is too large: its header says {width} x {height} pixels, and at most "
            f"{MAX_PIXELS // 1_000_000} million are read. Make it smaller, or export it again if that size is wrong."
        )


def damaged(path: Path) -> InputError:
    """The sentence for a file of a known kind whose content cannot be used."""
    return InputError(
        f"{display_path(path.name)} is damaged or cut short: not all of the picture is there. Copy or export it again."
    )
