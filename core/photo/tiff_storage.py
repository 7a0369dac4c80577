"""How a TIFF file (and a BigTIFF) holds its values: strips or tiles, planes, codecs, differences. After TIFF 6.0."""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32946, 32773, 50000
_BY_LIBTIFF = {_LZW, _PACKBITS, _ZSTD}
CODECS = {_NONE, _DEFLATE, _OLD_DEFLATE, *_BY_LIBTIFF}
"""Compressions that are undone here."""

_NO_DIFFERENCES, _DIFFERENCES, _DECIMAL_DIFFERENCES = 1, 2, 3
_BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True)
class Storage:
    """The tags that say how the values are stored.

    ``bits`` 1 to 16 for whole numbers, 16, 32 or 64 for ``decimals``. A segment is a strip or a tile of
    ``segment_width`` x ``segment_height`` pixels; with ``planes`` each channel has segments of its own.
    """

    width: int
    height: int
    channels: int
    bits: int
    decimals: bool
    planes: bool
    compression: int
    predictor: int
    reversed_bits: bool
    big_endian: bool
    tiled: bool
    segment_width: int
    segment_height: int
    offsets: Sequence[int]
    counts: Sequence[int]

    @property
    def across(self) -> int:
        return -(-self.width // self.segment_width)

    @property
    def down(self) -> int:
        return -(-self.height // self.segment_height)

    @property
    def segment_channels(self) -> int:
        return 1 if self.planes else self.channels

    @property
    def row_bytes(self) -> int:
        """Of a row within a segment."""
        return (self.segment_width * self.segment_channels * self.bits + 7) // 8

    def rows(self, row: int) -> int:
        """How many rows the segments of a row of segments have: the last strip may have fewer."""
        return self.segment_height if self.tiled else min(self.segment_height, self.height - row * self.segment_height)

    @property
    def can_be_undone(self) -> bool:
        """Whether codec, predictor and bits are among those that are known here."""
        kinds = {_NO_DIFFERENCES: True, _DIFFERENCES: self.bits in {8, 16, 32}, _DECIMAL_DIFFERENCES: self.decimals}
        bits = self.bits in {16, 32, 64} if self.decimals else 1 <= self.bits <= 16
        return self.compression in CODECS and kinds.get(self.predictor, False) and bits


def stored_samples(data: bytes, storage: Storage) -> Values:
    """The values as stored, (H, W, channels): uint8 up to 8 bit, uint16 up to 16 bit, or decimals.

    Raises
    ------
    ValueError, OSError, zlib.error : damaged, or less is there than the tags say.
    """
    kind = np.dtype(f"f{storage.bits // 8}" if storage.decimals else np.uint8 if storage.bits <= 8 else np.uint16)
    number = storage.across * storage.down * (storage.channels if storage.planes else 1)
    if min(len(storage.offsets), len(storage.counts)) < number:
        raise ValueError("segments are missing")
    out = np.empty((storage.height, storage.width, storage.channels), kind)
    per_plane = storage.across * storage.down
    for plane in range(number // per_plane):
        segments = [_segment(data, storage, plane * per_plane + index, index) for index in range(per_plane)]
        channels = slice(plane, plane + 1) if storage.planes else slice(None)
        for index, packed in enumerate(_unpacked(segments, storage)):
            row, column = divmod(index, storage.across)
            top, left = row * storage.segment_height, column * storage.segment_width
            for start in range(0, len(packed), _BLOCK_ROWS):
                values = _values(packed[start : start + _BLOCK_ROWS], storage)
                place = out[top + start :, left:, channels][: len(values), : storage.segment_width]
                place[:] = values[: place.shape[0], : place.shape[1]]
    return out


def _segment(data: bytes, storage: Storage, number: int, index: int) -> bytes:
    start, length = int(storage.offsets[number]), int(storage.counts[number])
    needed = storage.row_bytes * storage.rows(index // storage.across)
    if storage.compression == _NONE and length == 0:  # some programs leave the length out
        length = needed
    if length <= 0 or start < 0 or start + length > len(data) or (storage.compression == _NONE and length < needed):
        raise ValueError("a segment is not all there")
    found = data[start : start + length]
    return found.translate(_REVERSED) if storage.reversed_bits else found


_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _unpacked(segments: list[bytes], storage: Storage) -> Iterator[npt.NDArray[np.uint8]]:
    """The bytes of each segment, (rows, row_bytes)."""
    if storage.compression in _BY_LIBTIFF:
        rows = storage.down * storage.segment_height if storage.tiled else storage.height
        pixels = _by_libtiff(segments, storage, rows)
        for index in range(len(segments)):
            row, column = divmod(index, storage.across)
            top, left = row * storage.segment_height, column * storage.row_bytes
            yield pixels[top : top + storage.rows(row), left : left + storage.row_bytes]
        return
    for index, packed in enumerate(segments):
        rows = storage.rows(index // storage.across)
        needed = rows * storage.row_bytes
        whole = packed if storage.compression == _NONE else _inflated(packed, needed)
        yield np.frombuffer(whole, np.uint8, needed).reshape(rows, storage.row_bytes)


def _inflated(packed: bytes, needed: int) -> bytes:
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(packed, needed)
    if len(found) < needed:
        raise ValueError("a segment is too short")
    unpacker.decompress(unpacker.unconsumed_tail, 65536)  # so that its check sum is reached
    return found


def _by_libtiff(segments: list[bytes], storage: Storage, rows: int) -> npt.NDArray[np.uint8]:
    """Have libtiff undo the codec alone: it gets a grey 8-bit picture whose pixels are the bytes of ours."""
    lengths = [len(segment) for segment in segments]
    offsets = np.cumsum([8, *lengths])
    lists = offsets[:-1].astype("<u4").tobytes() + np.array(lengths, "<u4").tobytes()
    number, at = len(segments), int(offsets[-1])
    places = (at, at + 4 * number) if number > 1 else (8, lengths[0])
    shape = (
        [(322, storage.row_bytes), (323, storage.segment_height)] if storage.tiled else [(278, storage.segment_height)]
    )
    tags = [
        *[
            (256, storage.across * storage.row_bytes),
            (257, rows),
            (258, 8),
            (259, storage.compression),
            (262, 1),
            (277, 1),
        ],
        *shape,
        *zip((324, 325) if storage.tiled else (273, 279), places, strict=True),
    ]
    entries = [
        struct.pack("<HHII", tag, 4, number if tag in {273, 279, 324, 325} else 1, value) for tag, value in sorted(tags)
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    body = struct.pack("<2sHI", b"II", 42, at + len(lists)) + b"".join(segments) + lists + directory
    from PIL.TiffImagePlugin import TiffImageFile

    with TiffImageFile(io.BytesIO(body)) as image:
        image.load()
        return np.asarray(image)


def _values(packed: npt.NDArray[np.uint8], storage: Storage) -> Values:
    """(rows, segment width, channels) from the bytes of rows."""
    rows, width, channels = len(packed), storage.segment_width, storage.segment_channels
    order = ">" if storage.big_endian else "<"
    if storage.decimals:
        values = _decimals(packed, storage, order)
    elif storage.bits == 8:
        values = packed.reshape(rows, width, channels)
    elif storage.bits == 16:
        words = np.ascontiguousarray(packed).view(f"{order}u2").astype(np.uint16)
        values = words.reshape(rows, width, channels)
    else:
        bits = np.unpackbits(packed, axis=1)[:, : width * channels * storage.bits]
        weights = 1 << np.arange(storage.bits)[::-1]
        values = (bits.reshape(rows, width, channels, storage.bits) @ weights).astype(
            np.uint8 if storage.bits < 8 else np.uint16
        )
    if storage.predictor == _DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=values.dtype)
    return values


def _decimals(packed: npt.NDArray[np.uint8], storage: Storage, order: str) -> Values:
    rows, width, channels, size = len(packed), storage.segment_width, storage.segment_channels, storage.bits // 8
    if storage.predictor == _DECIMAL_DIFFERENCES:  # of bytes, all first bytes of a row before all second ones
        summed = np.cumsum(packed.reshape(rows, -1, channels), axis=1, dtype=np.uint8)
        packed = summed.reshape(rows, size, width * channels).swapaxes(1, 2)
        order = ">"
    whole = np.ascontiguousarray(packed).reshape(rows, -1).view(f"{order}f{size}")
    return whole.astype(f"f{size}").reshape(rows, width, channels)
