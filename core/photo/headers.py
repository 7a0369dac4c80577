"""What kind of picture a file holds and how large it claims to be, found out before memory is taken for its pixels."""

import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import InputError
from core.files import shown

Kind = Literal["PNG", "JPEG", "TIFF", "BMP", "GIF", "PNM"]

MAX_PIXELS = 100_000_000
"""Largest photograph that is read (10,000 x 10,000): several times the largest fundus camera, 300 MB in memory."""

MAX_FILE_BYTES = 1_000_000_000
"""Largest file that is loaded; a 16-bit RGB picture of ``MAX_PIXELS`` has 600 MB."""

_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
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
    (0, b"RIFF", "a WebP, video or sound file"),
    (4, b"ftyp", "a HEIC, AVIF or video file"),
    (4, b"jP  ", "a JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (0, b"<", "a web page or another text"),
)

_PNM_TOKEN = re.compile(rb"\s*(?:#[^\n\r]*[\n\r]\s*)*(\d+)")


@dataclass(frozen=True, slots=True)
class PnmHeader:
    """Header of a PBM, PGM or PPM file: ``magic`` is the digit of P1 to P6, ``data_bytes`` the longest it can be."""

    magic: int
    width: int
    height: int
    maximum: int
    data_bytes: int


def sniff(path: Path, data: bytes) -> Kind:
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
    known = (what for offset, signature, what in _STRANGERS if data.startswith(signature, offset))
    what = next(known, "something else, or damaged")
    raise InputError(
        f"{shown(path.name)} is not a picture that can be read: it is {what}. "
        "Export the photograph as PNG, TIFF or JPEG (also BMP, GIF, PPM and PGM are read)."
    )


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse a size that no fundus photograph has.

    Raises
    ------
    InputError : no pixel at all, or more than ``MAX_PIXELS``.
    """
    if width < 1 or height < 1:
        raise InputError(f"{shown(path.name)} is damaged: its header says {width} x {height} pixels. Export it anew.")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{shown(path.name)} is too large: its header says {width} x {height} pixels, and at most "
            f"{MAX_PIXELS // 1_000_000} million are read. Make it smaller, or export it anew if that size is wrong."
        )


def pnm_header(path: Path, data: bytes) -> PnmHeader:
    """Read the header of a PBM, PGM or PPM file.

    Raises
    ------
    InputError : the header is damaged.
    """
    magic, position, numbers = data[1] - ord("0"), 2, []
    for _ in range(2 if magic in (1, 4) else 3):
        token = _PNM_TOKEN.match(data, position)
        if token is None or len(token[1]) > 9:
            raise damaged(path)
        numbers.append(int(token[1]))
        position = token.end()
    width, height, maximum = numbers if len(numbers) == 3 else (*numbers, 1)
    if not 1 <= maximum <= 65535:
        raise damaged(path)
    samples = width * height * (3 if magic in (3, 6) else 1)
    # Plain variants write each number as text: up to five digits and a blank, with comments at leisure.
    size = samples * 8 if magic <= 3 else samples * (2 if maximum > 255 else 1)
    return PnmHeader(magic, width, height, maximum, position + size + 65536)


def unpack_gzip(path: Path, data: bytes) -> bytes:
    """The PBM, PGM or PPM file inside a gzip file; no more of it is unpacked than its own header announces.

    Raises
    ------
    InputError : something else is inside, it is cut short, or it unpacks to more than it should.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            head = packed.read(65536)
            if sniff(path, head) != "PNM":
                raise InputError(
                    f"{shown(path.name)} is packed with gzip, which is read for PPM and PGM only. Unpack it first."
                )
            header = pnm_header(path, head)
            check_size(path, header.width, header.height)
            whole = head + packed.read(header.data_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path) from error
    if len(whole) > header.data_bytes:
        raise InputError(
            f"{shown(path.name)} is damaged: it unpacks to more than its header announces. Export it anew."
        )
    return whole


def damaged(path: Path) -> InputError:
    """The sentence for a file of a known kind whose content cannot be used."""
    return InputError(
        f"{shown(path.name)} is damaged or cut short: not all of the picture is there. Copy or export it anew."
    )
