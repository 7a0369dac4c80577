"""JPEG files: where their pictures begin and end, and whether a picture is all there.

The decoder (libjpeg) fills what is missing with grey and only warns, and its warnings do not reach us. But it can be
asked: bytes put in before the end of each scan change nothing where the scan was complete, for it has read all that it
wants; where something was missing, it takes them for picture.
"""

import io
import re
import struct
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_EOI, _SOS, _DRI = 0xD9, 0xDA, 0xDD
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length: TEM and the restart markers."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN, _ARITHMETIC = {0xC0, 0xC1, 0xC2}, {0xC9, 0xCA}
_SCAN_END = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""Within a scan FF 00 is a byte of the picture, and the restart markers D0 to D7 part it."""
_RESTART = re.compile(rb"\xff+([\xd0-\xd7])")
_PART_END = re.compile(rb"\xff+[\x01-\xfe]")
_MAX_PICTURES = 64
_NEVER = 16
"""More than any number of bits that a scan may leave for later."""

DAMAGE = (ValueError, struct.error, LookupError)
"""What ``find_jpeg`` raises for a damaged file."""

# Never FF, so that it is not a marker; no pattern, so that it decodes to no even grey.
_FILLING = bytes(np.random.default_rng(81).integers(1, 255, 64).astype(np.uint8))
_ZEROS = bytes(16)
"""An arithmetic coder may leave out zeros at its end (ITU T.81, D.1.8), but never so many."""
_MAX_MARKERS = 100_000
_MAX_SCANS = 100
_MAX_WORK = 2_000_000_000
"""Pixels times scans: a file of some kilobytes could ask for a decoder's day."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame's header. ``marker`` is its kind: 0xC0 baseline, 0xC2 progressive, and so on; ``sampling`` by channel."""

    marker: int
    precision: int
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]

    @classmethod
    def of(cls, marker: int, segment: bytes) -> "_Frame":
        precision, height, width, channels = struct.unpack_from(">BHHB", segment)
        each = [struct.unpack_from(">BB", segment, 6 + 3 * channel) for channel in range(channels)]
        sampling = {name: (max(packed >> 4, 1), max(packed & 15, 1)) for name, packed in each}
        return cls(marker, precision, width, height, sampling)

    def units(self, channels: bytes) -> int:
        """How many units (MCU) a scan of these channels has: of one channel the blocks, else all blocks of an area."""
        across = max(x for x, _ in self.sampling.values())
        down = max(y for _, y in self.sampling.values())
        if len(channels) != 1:
            return ceil(self.width / (8 * across)) * ceil(self.height / (8 * down))
        x, y = self.sampling[channels[0]]
        return ceil(ceil(self.width * x / across) / 8) * ceil(ceil(self.height * y / down) / 8)


@dataclass(frozen=True, slots=True)
class Jpeg:
    """One picture of a JPEG file: ``start`` and ``stop`` in the file, its scans likewise, and what its header says.

    ``interval`` : units between restart markers, 0 for none. ``is_fine``: every detail is sent; a progressive picture
    may end earlier, but hardly any does on purpose.
    """

    start: int
    stop: int
    frame: _Frame
    scans: tuple[tuple[int, int], ...]
    interval: int
    is_fine: bool

    @property
    def is_readable(self) -> bool:
        return self.frame.precision == 8 and self.frame.marker in _HUFFMAN | _ARITHMETIC


def find_jpeg(data: bytes, start: int = 0) -> Jpeg:
    """The picture that begins at ``start``, found by its markers.

    Any number of fill bytes FF may come before a marker (ITU T.81, B.1.1.2).

    Raises
    ------
    ValueError, struct.error, LookupError : damaged or cut short (``DAMAGE``).
    """
    if data[start : start + 2] != b"\xff\xd8":
        raise ValueError("no start")
    position = start + 2
    frame: _Frame | None = None
    bits: dict[int, list[int]] = {}
    scans = []
    interval = 0
    for _ in range(_MAX_MARKERS):
        marker, position = _marker(data, position)
        if marker == _EOI:
            break
        if marker in _ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        segment = data[position + 2 : position + length]
        if length < 2 or len(segment) < length - 2:
            raise ValueError("segment")
        position += length
        if marker in _FRAMES and frame is None:
            frame = _Frame.of(marker, segment)
            bits = {channel: [_NEVER] * 64 for channel in frame.sampling}
        elif marker == _DRI:
            (interval,) = struct.unpack(">H", segment)
        elif marker == _SOS and frame is not None:
            end = _SCAN_END.search(data, position)
            if end is None:
                raise ValueError("no end")
            _check_restarts(data[position : end.start()], interval, frame.units(segment[1 : 1 + 2 * segment[0] : 2]))
            scans.append((position, end.start()))
            position = end.start()
            _note_bits(bits, segment)
    else:
        raise ValueError("markers")
    if frame is None or not scans:
        raise ValueError("no picture")
    work = len(scans) * frame.width * frame.height
    if len(scans) > _MAX_SCANS or work > _MAX_WORK or _NEVER in (of[0] for of in bits.values()):
        raise ValueError("scans")
    return Jpeg(start, position, frame, tuple(scans), interval, is_fine=not any(max(of) for of in bits.values()))


def _check_restarts(scan: bytes, interval: int, units: int) -> None:
    """Restart markers are counted round from 0 to 7, one after each interval but the last."""
    needed = -(-units // interval) - 1 if interval else 0
    found = [mark[1][0] for mark in islice(_RESTART.finditer(scan), needed + 2)]
    if not needed <= len(found) <= needed + 1 or any(mark != 0xD0 + number % 8 for number, mark in enumerate(found)):
        raise ValueError("restart markers")


def _note_bits(bits: dict[int, list[int]], segment: bytes) -> None:
    """Write down how many low bits of each coefficient are still unknown after a scan with this header."""
    number = segment[0]
    first, last, low = segment[1 + 2 * number], segment[2 + 2 * number], segment[3 + 2 * number] & 15
    for channel in segment[1 : 1 + 2 * number : 2]:
        bits[channel][first : last + 1] = [low] * len(bits[channel][first : last + 1])


def further_pictures(data: bytes, first: Jpeg) -> int:
    """How many more photographs follow the first one: those of at least half its width and height.

    Cameras put previews and maps of brightness behind a photograph, and these are smaller.
    """
    found, position = 0, first.stop
    for _ in range(_MAX_PICTURES):
        position = data.find(b"\xff\xd8\xff", position)
        if position < 0:
            break
        try:
            other = find_jpeg(data, position)
        except DAMAGE:
            position += 3
            continue
        found += 2 * other.frame.width >= first.frame.width and 2 * other.frame.height >= first.frame.height
        position = other.stop
    return found


def is_complete(data: bytes, jpeg: Jpeg, image: "Image") -> bool:
    """Whether no scan of the picture lacks anything.

    ``image`` : what Pillow decodes from ``data[jpeg.start : jpeg.stop]``.
    """
    filling = _FILLING if jpeg.frame.marker in _HUFFMAN else _ZEROS + _FILLING
    parts, position = [], jpeg.start
    for start, stop in jpeg.scans:
        parts.append(data[position:start])
        # Before each restart marker, too: what lacks something may be in the middle.
        parts.append(_PART_END.sub(lambda end: filling + end[0], data[start:stop]) + filling)
        position = stop
    parts.append(data[position : jpeg.stop])
    return _decodes_to(b"".join(parts), image)


def has_leftovers(data: bytes, jpeg: Jpeg, image: "Image") -> bool:
    """Whether the decoder is done before the picture's bytes are: then some before them are missing or changed.

    Asked of an ordinary picture in one scan; ``image`` as in ``is_complete``.
    """
    start, stop = jpeg.scans[0]
    if len(jpeg.scans) > 1 or jpeg.interval or jpeg.frame.marker not in _HUFFMAN or stop - start < 4 * len(_ZEROS):
        return False
    shorter = data[jpeg.start : stop - len(_ZEROS)]
    return _decodes_to(shorter.rstrip(b"\xff") + data[stop : jpeg.stop], image)


def _decodes_to(data: bytes, image: "Image") -> bool:
    """Whether a JPEG has exactly the pixels of an image. Pillow compares in place; arrays would be copies."""
    from PIL import ImageChops, JpegImagePlugin

    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as other:
        return ImageChops.difference(image, other).getbbox() is None


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """The next marker and where it ends. Strange bytes before it are passed over, as the decoder does."""
    found = _PART_END.search(data, position)
    if found is None:
        raise ValueError("no marker")
    return data[found.end() - 1], found.end()
