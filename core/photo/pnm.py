"""PBM, PGM and PPM files, also packed with gzip: a header in text, then the values as bytes or as text."""

import gzip
import io
import re
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.files import display_path
from core.photo.headers import check_size, damaged, sniff
from core.photo.samples import Samples, Values

MAX_TEXT_SAMPLES = 20_000_000
"""Most values that are read from the variants that hold them as text (P1 to P3): parsing that many takes seconds."""

_TOKEN = re.compile(rb"\s*(?:#[^\n\r]*[\n\r]\s*)*(\d+)")
_BLOCK = 1 << 20
_COMMENT = re.compile(rb"#[^\n\r]*")


@dataclass(frozen=True, slots=True)
class PnmHeader:
    """Header of a PBM, PGM or PPM file.

    ``magic`` is the digit of P1 to P6, ``start`` where the values begin, ``data_bytes`` the longest the file can be.
    """

    magic: int
    width: int
    height: int
    maximum: int
    start: int
    data_bytes: int

    @property
    def channels(self) -> int:
        return 3 if self.magic in {3, 6} else 1


def pnm_header(path: Path, data: bytes) -> PnmHeader:
    """Read the header of a PBM, PGM or PPM file.

    Raises
    ------
    InputError : the header is damaged, or the picture too large.
    """
    magic, position, numbers = data[1] - ord("0"), 2, []
    for _ in range(2 if magic in (1, 4) else 3):
        token = _TOKEN.match(data, position)
        if token is None or len(token[1]) > 9:
            raise damaged(path)
        numbers.append(int(token[1]))
        position = token.end()
    width, height, maximum = numbers if len(numbers) == 3 else (*numbers, 1)
    if not 1 <= maximum <= 65535:
        raise damaged(path)
    check_size(path, width, height)
    samples = width * height * (3 if magic in (3, 6) else 1)
    if magic <= 3 and samples > MAX_TEXT_SAMPLES:
        raise InputError(
            f"{display_path(path.name)} is too large: it holds {width} x {height} pixels as text. Save it as an "
            "ordinary (binary) PPM, or as PNG."
        )
    # As text each value has up to five digits and a blank, with comments at leisure.
    size = samples * 8 if magic <= 3 else samples * (2 if maximum > 255 else 1)
    return PnmHeader(magic, width, height, maximum, position, position + size + 65536)


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
                    f"{display_path(path.name)} is packed with gzip, which is read for PPM and PGM only. Unpack it "
                    "first."
                )
            header = pnm_header(path, head)
            whole, length = [head], len(head)
            while length <= header.data_bytes and (block := packed.read(_BLOCK)):  # a longer one would be made at once
                whole.append(block)
                length += len(block)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path) from error
    if length > header.data_bytes:
        raise InputError(
            f"{display_path(path.name)} is damaged: it unpacks to more than its header announces. Export it again."
        )
    return b"".join(whole)


def decode_pnm(path: Path, data: bytes) -> Samples:
    """The values of a PBM, PGM or PPM file.

    Raises
    ------
    InputError : damaged, cut short, or too large.
    """
    header = pnm_header(path, data)
    values: Values
    shape = (header.height, header.width, header.channels)
    if header.magic <= 3:
        values, rest = _from_text(path, header, data), b""
    elif header.magic == 4:
        row_bytes = (header.width + 7) // 8
        body, rest = _split(path, data, header.start + 1, row_bytes * header.height)
        bits = np.unpackbits(np.frombuffer(body, np.uint8).reshape(header.height, row_bytes), axis=1)
        values = bits[:, : header.width] ^ 1  # 1 is black
    else:
        kind = np.dtype(">u2" if header.maximum > 255 else np.uint8)
        body, rest = _split(path, data, header.start + 1, int(np.prod(shape)) * kind.itemsize)
        values = np.frombuffer(body, kind)
        if int(values.max()) > header.maximum:
            raise damaged(path)
    values = values.astype(np.uint16 if header.maximum > 255 else np.uint8).reshape(shape)
    # A header that says 65535 says little: many programs write it whatever the camera gave.
    peak = None if header.maximum == 65535 else header.maximum
    more = 1 if re.match(rb"P[1-6]\s+\d", rest) else 0
    return Samples(
        values, bits=1 if header.magic in {1, 4} else 16 if header.maximum > 255 else 8, peak=peak, more=more
    )


def _split(path: Path, data: bytes, start: int, length: int) -> tuple[bytes, bytes]:
    body = data[start : start + length]
    if len(body) < length:
        raise damaged(path)
    return body, data[start + length : start + length + 64]


def _from_text(path: Path, header: PnmHeader, data: bytes) -> Values:
    text = _COMMENT.sub(b"", data[header.start : header.data_bytes])
    if header.magic == 1:
        digits = np.frombuffer(re.sub(rb"\s+", b"", text), np.uint8).astype(np.int64) - ord("0")
        values = 1 - digits
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # numpy only warns of what is not a number
                values = np.fromstring(text.decode("ascii"), np.int64, sep=" ")
        except (ValueError, DeprecationWarning) as error:
            raise damaged(path) from error
    count = header.width * header.height * header.channels
    if values.size < count or values[:count].min() < 0 or values[:count].max() > header.maximum:
        raise damaged(path)
    return values[:count]
