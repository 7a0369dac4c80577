"""Arrays as bytes, deflated; what is read again is bounded by the size that it must have."""

import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.strict import Malformed
from core.types import BoolArray, ByteArray, FloatArray

_LEVEL: Final = 1
"""Of compression: a journal must not wait, and higher levels save little on masks."""


def inflated(data: bytes, count: int) -> bytes:
    """Deflated bytes as they were.

    Raises
    ------
    Malformed : they are not ``count`` bytes, or damaged. No more than that is ever taken from memory.
    """
    expander = zlib.decompressobj()
    try:
        found = expander.decompress(data, count + 1)
    except zlib.error:
        raise Malformed("its compressed data is damaged") from None
    if len(found) != count or not expander.eof or expander.unused_data:
        raise Malformed(f"its compressed data is not {count} bytes")
    return found


def packed_bits(mask: BoolArray) -> bytes:
    """A mask, 8 pixels a byte, row by row, deflated."""
    return zlib.compress(np.packbits(mask).tobytes(), _LEVEL)


def unpacked_bits(data: bytes, shape: tuple[int, int]) -> BoolArray:
    """The reverse of ``packed_bits``, read-only. Raises Malformed."""
    count = shape[0] * shape[1]
    bits = np.frombuffer(inflated(data, (count + 7) // 8), np.uint8)
    return _sealed(np.unpackbits(bits, count=count).astype(np.bool_).reshape(shape))


def unpacked_codes(data: bytes, shape: tuple[int, int], most: int = 2) -> ByteArray:
    """Codes of pixels (``MaskEdits.packed``) as uint8 (H, W), read-only, none above ``most``. Raises Malformed."""
    codes = np.frombuffer(inflated(data, shape[0] * shape[1]), np.uint8).reshape(shape)
    if codes.size and codes.max() > most:
        raise Malformed(f"it has a code of {codes.max()}")
    return codes


def packed_floats(values: FloatArray) -> bytes:
    """float32 (H, W), little-endian, deflated: first the lowest bytes of all values, then the next ones, and so on.

    Bytes of the same rank resemble each other, so that they are smaller together.
    """
    planes = np.ascontiguousarray(values, "<f4").view(np.uint8).reshape(-1, 4).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), _LEVEL)


def unpacked_floats(data: bytes, shape: tuple[int, int]) -> FloatArray:
    """The reverse of ``packed_floats``, read-only. Raises Malformed."""
    planes = np.frombuffer(inflated(data, 4 * shape[0] * shape[1]), np.uint8).reshape(4, -1)
    values = np.ascontiguousarray(planes.T).view("<f4").reshape(shape).astype(np.float32, copy=False)
    return _sealed(values)


def _sealed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.setflags(write=False)
    return array
