"""The values of 16-bit PNG, TIFF and PPM files, and their way to 8 bit.

OpenCV decodes them, from a plain copy of the file that holds the picture and nothing else: given the original it would
turn a TIFF by its orientation whatever the flags say, and write on stderr about every tag that it does not know.
"""

import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt

from core.photo.headers import Kind
from core.types import ByteArray

WordArray = npt.NDArray[np.uint16]

# What says where the pixels are and how they are stored: size, bits, compression, strips or tiles, samples, predictor.
_TIFF_TAGS = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339}
_PNG_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}


def to_8_bit(values: WordArray) -> ByteArray:
    """Scale 16-bit values to 8 bit by the number of bits that the picture really uses.

    Cameras store 10, 12 or 14 bits in 16. The depth b is the smallest of 8, 10, 12, 14, 16 with max < 2**b, one for all
    channels, and the result is round(255 v / (2**b - 1)): black stays black, and the balance of colours is kept.
    """
    peak = int(values.max())
    depth = next(bits for bits in (8, 10, 12, 14, 16) if peak < 2**bits)
    table = np.rint(np.arange(2**depth) * (255 / (2**depth - 1))).astype(np.uint8)
    scaled: ByteArray = table[values]
    return scaled


def decode_16_bit(kind: Kind, data: bytes) -> WordArray | None:
    """Values as stored, not turned: uint16 (H, W), (H, W, 3) red green blue, or (H, W, 4) with alpha.

    None where OpenCV does not know this way of storing. ``data`` is one whole file, proved to be undamaged.

    Raises
    ------
    ValueError, struct.error : damaged after all.
    """
    match kind:
        case "PNG":
            data = _plain_png(data)
        case "TIFF":
            data = _plain_tiff(data)
        case _:
            pass
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        return None
    values: WordArray = np.asarray(decoded, np.uint16)
    if values.ndim == 3:
        values = values[:, :, [2, 1, 0, 3][: values.shape[2]]]
    return values


def _plain_png(data: bytes) -> bytes:
    """The same PNG without what only describes it, its check sums checked."""
    kept, position = [data[:8]], 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunk = data[position : position + 12 + length]
        name = chunk[4:8]
        if name in _PNG_CHUNKS:
            (stated,) = struct.unpack_from(">I", chunk, 8 + length)
            if zlib.crc32(chunk[4:-4]) != stated:
                raise ValueError(f"check sum of {name!r}")
            kept.append(chunk)
        if name == b"IEND":
            return b"".join(kept)
        position += len(chunk)
    raise ValueError("no end")


def _plain_tiff(data: bytes) -> bytes:
    """The same TIFF with a second, short directory of its first page at the end, to which the header now points.

    TIFF 6.0, section 2: a directory is the number of its entries, the entries (tag, type, count, value or offset), and
    the offset of the next directory. In BigTIFF (version 43) numbers and offsets have 8 bytes.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    at, offset_format, number_format, entry_bytes = (8, "Q", "Q", 20) if big else (4, "I", "H", 12)
    (directory,) = struct.unpack_from(order + offset_format, data, at)
    (number,) = struct.unpack_from(order + number_format, data, directory)
    first = directory + struct.calcsize(number_format)
    entries = [data[first + entry_bytes * index :][:entry_bytes] for index in range(number)]
    kept = [entry for entry in entries if struct.unpack_from(order + "H", entry)[0] in _TIFF_TAGS]
    start = len(data) + len(data) % 2
    plain = bytearray(data.ljust(start, b"\0"))
    plain += struct.pack(order + number_format, len(kept)) + b"".join(kept) + struct.pack(order + offset_format, 0)
    struct.pack_into(order + offset_format, plain, at, start)
    return bytes(plain)
