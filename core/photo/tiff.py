"""TIFF files: the values of their first picture as the tags say they are meant.

TIFF leaves a great deal open: planes one by one, white as zero, what a fourth channel is, the order of bytes,
differences instead of values. Pillow and OpenCV each know some of it and decode the rest to other pixels without a
word, so the tags are followed here. Only the kinds with a codec of their own colours (JPEG, fax) are left to Pillow.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.files import display_path
from core.photo.headers import MAX_PIXELS, check_size, damaged
from core.photo.samples import PRINTED, Samples, Values
from core.photo.sixteen_bit import depth_of, scaled_to_8_bit
from core.photo.tiff_storage import CODECS, Storage, stored_samples

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_OFFSETS, _ORIENTATION, _CHANNELS, _STRIP_ROWS, _COUNTS, _MAXIMUM, _PLANAR = 273, 274, 277, 278, 279, 281, 284
_PREDICTOR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 317, 320, 322, 323, 324, 325
_EXTRA, _FORMAT, _SUBFILE, _OLD_SUBFILE = 338, 339, 254, 255
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INDEXED, _PRINTING, _YCBCR = 0, 1, 2, 3, 5, 6
_CHANNELS_OF = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _INDEXED: 1, _PRINTING: 4}
_MULTIPLIED_ALPHA, _ALPHA = 1, 2
_JPEG = {6, 7}
_BY_PILLOW = {2, 3, 4, *_JPEG, 32771}
"""Compressions with colours of their own: fax (2, 3, 4, 32771) and JPEG (6, 7)."""
_MAX_CHANNELS = 8
_MAX_PAGES = 1000
_COMPRESSIONS = {34712: "JPEG 2000", 34925: "LZMA", 50001: "WebP", 50002: "JPEG XL", 34887: "LERC"}
_COLOUR_NAMES = {8: "L*a*b* colours", 9: "L*a*b* colours", 32803: "raw camera data", 34892: "raw camera data"}

_KNOWN = {
    *(
        _WIDTH,
        _HEIGHT,
        _BITS,
        _COMPRESSION,
        _COLOURS,
        _FILL_ORDER,
        _OFFSETS,
        _ORIENTATION,
        _CHANNELS,
        _STRIP_ROWS,
        _COUNTS,
    ),
    *(_MAXIMUM, _PLANAR, _PREDICTOR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT),
    *(_SUBFILE, _OLD_SUBFILE),
}
_WHOLE_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
"""Types of values that the known tags may have, with numpy's names."""
_MAX_ENTRIES = 1024
_MAX_VALUES = 4_000_000
"""More pages, tags in one and strips than any photograph has: reading them all shall take no hours and gigabytes."""

Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TiffFile:
    """The first picture of a TIFF file.

    ``page`` is its number among all directories, ``more`` how many more pictures there are. ``for_pillow``: its
    compression has colours of its own.
    """

    tags: Tags
    page: int
    more: int

    @property
    def for_pillow(self) -> bool:
        return _number(self.tags, _COMPRESSION, 1) in _BY_PILLOW or _colours(self.tags) == _YCBCR


def open_tiff(path: Path, data: bytes) -> TiffFile:
    """Find the first picture that is neither a thumbnail nor a mask.

    Raises
    ------
    InputError : damaged, too large, or stored in a way that is not read.
    """
    try:
        layout = _Layout.of(data)
        pages = _pages(data, layout)
        page = next((number for number, found in enumerate(pages) if not found.is_accessory), 0)
        tags, _ = _directory(data, layout, pages[page].position, _KNOWN)
    except (struct.error, ValueError) as error:
        raise damaged(path) from error
    check_size(path, _number(tags, _WIDTH, 0), _number(tags, _HEIGHT, 0))
    if _number(tags, _COMPRESSION, 1) in _JPEG and _number(tags, _PLANAR, 1) == 2 and _number(tags, _CHANNELS, 1) > 1:
        raise _not_read(path, "JPEG with a plane for each channel")
    return TiffFile(tags, page, sum(not found.is_accessory for found in pages[page + 1 :]))


def tiff_orientation(tags: Tags) -> int:
    return _number(tags, _ORIENTATION, 1)


def tiff_values(path: Path, data: bytes, tags: Tags) -> Values:
    """The values of a picture exactly as stored, (H, W, channels): whole numbers or decimals.

    Raises
    ------
    InputError : damaged, or in a way that is not read.
    """
    storage = tiff_storage(path, data, tags)
    try:
        return stored_samples(data, storage)
    except Exception as error:  # a damaged file can trip a codec in any way
        raise damaged(path) from error


def tiff_samples(path: Path, data: bytes, file: TiffFile) -> Samples:
    """The values of a picture with their colours: grey or RGB, black as 0.

    Raises
    ------
    InputError : damaged, or in a way that is not read.
    """
    tags = file.tags
    storage = tiff_storage(path, data, tags)
    colours = _colours(tags)
    number = _CHANNELS_OF.get(colours)
    if number is None:
        raise _not_read(path, _COLOUR_NAMES.get(colours, f"colours of the kind {colours}"))
    if storage.decimals:
        raise _not_read(path, "numbers that have a sign or decimals")
    if storage.channels < number:
        raise damaged(path)
    values = tiff_values(path, data, tags)
    kinds = tuple(tags.get(_EXTRA, ()))[: storage.channels - number]
    # Only these two kinds are alpha, and what is multiplied already is black where nothing is seen.
    alpha = values[:, :, number + kinds.index(_ALPHA)] if _ALPHA in kinds and _MULTIPLIED_ALPHA not in kinds else None
    peak = _peak(tags, storage)
    values = values[:, :, :number]
    notes: tuple[str, ...] = ()
    if colours == _INDEXED:
        if alpha is not None:  # the colours have 8 bits, it has those of their numbers
            alpha = scaled_to_8_bit(alpha, 2**storage.bits - 1)
        values = _looked_up(path, tags, storage, values)
        return Samples(values, 8, alpha, more=file.more, orientation=tiff_orientation(tags))
    if colours == _WHITE_IS_ZERO:
        peak = peak or 2 ** depth_of(values) - 1
        values = (peak - np.minimum(values, peak)).astype(values.dtype)
    elif colours == _PRINTING:
        peak = peak or 65535
        values, notes = _from_printing_colours(values, peak), (PRINTED,)
    bits = 1 if storage.bits == 1 else 8 if storage.bits <= 8 else 16
    return Samples(values, bits, alpha, peak, file.more, tiff_orientation(tags), notes)


def tiff_storage(path: Path, data: bytes, tags: Tags) -> Storage:
    """How the values of a picture are stored.

    Raises
    ------
    InputError : damaged, or in a way that is not read.
    """
    bits, formats = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (1,)))
    width, height = _number(tags, _WIDTH, 0), _number(tags, _HEIGHT, 0)
    tiled = _TILE_WIDTH in tags
    rows = height if _STRIP_ROWS not in tags else min(_number(tags, _STRIP_ROWS, height) or height, height)
    compression = _number(tags, _COMPRESSION, 1)
    storage = Storage(
        width=width,
        height=height,
        channels=_number(tags, _CHANNELS, 1),
        bits=max(bits),
        decimals=formats == {3},
        planes=_number(tags, _PLANAR, 1) == 2 and _number(tags, _CHANNELS, 1) > 1,
        compression=compression,
        predictor=_number(tags, _PREDICTOR, 1) if compression in CODECS - {1, 32773} else 1,
        reversed_bits=_number(tags, _FILL_ORDER, 1) == 2,
        big_endian=data[:1] == b"M",
        tiled=tiled,
        segment_width=_number(tags, _TILE_WIDTH, 0) if tiled else width,
        segment_height=_number(tags, _TILE_HEIGHT, 0) if tiled else rows,
        offsets=tags.get(_TILE_OFFSETS if tiled else _OFFSETS, ()),
        counts=tags.get(_TILE_COUNTS if tiled else _COUNTS, ()) or _missing_counts(tags, compression),
    )
    if len(bits) > 1 or not formats <= {1, 3, 4} or len(formats) > 1 or storage.channels > _MAX_CHANNELS:
        raise _not_read(path, _in_words(storage, bits, formats))
    if not storage.can_be_undone:
        raise _not_read(path, _in_words(storage, bits, formats))
    if min(storage.segment_width, storage.segment_height, storage.channels) < 1:
        raise damaged(path)
    padded = storage.across * storage.segment_width * storage.down * storage.segment_height
    if padded > 2 * MAX_PIXELS:
        raise damaged(path)
    return storage


@dataclass(frozen=True, slots=True)
class _Layout:
    """The order of bytes, and how numbers and places are written: BigTIFF has 8 bytes for each."""

    order: str
    number: str
    place: str
    entry_bytes: int
    first: int

    @classmethod
    def of(cls, data: bytes) -> "_Layout":
        order = "<" if data[:2] == b"II" else ">"
        if struct.unpack_from(f"{order}H", data, 2)[0] == 43:
            return cls(order, f"{order}Q", f"{order}Q", 20, *struct.unpack_from(f"{order}Q", data, 8))
        return cls(order, f"{order}H", f"{order}I", 12, *struct.unpack_from(f"{order}I", data, 4))


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a directory is, and whether its picture is a reduced copy or a mask of another one."""

    position: int
    is_accessory: bool


def _pages(data: bytes, layout: _Layout) -> list[_Page]:
    """All directories that can be read; the first one must be.

    Raises
    ------
    ValueError, struct.error : the first is damaged, or there is none.
    """
    found: list[_Page] = []
    seen: set[int] = set()
    position = layout.first
    while position and position not in seen and len(found) < _MAX_PAGES:
        seen.add(position)
        try:
            tags, following = _directory(data, layout, position, {_SUBFILE, _OLD_SUBFILE})
        except (struct.error, ValueError):
            if not found:
                raise
            break
        accessory = bool(_number(tags, _SUBFILE, 0) & 0b101) or _number(tags, _OLD_SUBFILE, 0) == 2
        found.append(_Page(position, accessory))
        position = following
    if not found:
        raise ValueError("no picture")
    return found


def _directory(data: bytes, layout: _Layout, position: int, wanted: set[int]) -> tuple[Tags, int]:
    """The wanted tags of one directory, and where the next directory is.

    TIFF 6.0, section 2: the number of entries, the entries (tag, type, count, value or where it is), the next one.

    Raises
    ------
    ValueError, struct.error : damaged or cut short.
    """
    (number,) = struct.unpack_from(layout.number, data, position)
    first = position + struct.calcsize(layout.number)
    if number > _MAX_ENTRIES:
        raise ValueError("entries")
    (following,) = struct.unpack_from(layout.place, data, first + number * layout.entry_bytes)
    tags: Tags = {}
    for start in range(first, first + number * layout.entry_bytes, layout.entry_bytes):
        (tag,) = struct.unpack_from(f"{layout.order}H", data, start)
        if tag in wanted and tag not in tags:
            tags[tag] = _values(data, layout, start)
    return tags, following


def _values(data: bytes, layout: _Layout, start: int) -> tuple[int, ...]:
    """The whole numbers of the entry at ``start``."""
    kind, count = struct.unpack_from(f"{layout.order}H{layout.place[1:]}", data, start + 2)
    if kind not in _WHOLE_NUMBERS or not 0 < count <= _MAX_VALUES:
        raise ValueError("values")
    size, inline = count * np.dtype(_WHOLE_NUMBERS[kind]).itemsize, struct.calcsize(layout.place)
    at = start + layout.entry_bytes - inline
    if size > inline:
        (at,) = struct.unpack_from(layout.place, data, at)
    if at + size > len(data):
        raise ValueError("values")
    return tuple(np.frombuffer(data, layout.order + _WHOLE_NUMBERS[kind], count, at).tolist())


def _number(tags: Tags, tag: int, default: int) -> int:
    return tags.get(tag, (default,))[0]


def _colours(tags: Tags) -> int:
    """The kind of colours; where it is missing, as libtiff takes it."""
    return _number(tags, _COLOURS, _RGB if _number(tags, _CHANNELS, 1) >= 3 else _BLACK_IS_ZERO)


def _missing_counts(tags: Tags, compression: int) -> tuple[int, ...]:
    return (0,) * len(tags.get(_OFFSETS, ())) if compression == 1 else ()


def _peak(tags: Tags, storage: Storage) -> int | None:
    """The value of full brightness, None where 16 bit may hold fewer."""
    stated = _number(tags, _MAXIMUM, 0)
    if storage.bits == 16:
        return stated if 255 <= stated < 65535 else None
    return int(2**storage.bits) - 1


def _looked_up(path: Path, tags: Tags, storage: Storage, values: Values) -> Values:
    """Colours of a palette, 8 bit."""
    table = np.asarray(tags.get(_PALETTE, ()), np.int64)
    if table.size != 3 * 2**storage.bits or table.min() < 0:
        raise damaged(path)
    table = table.reshape(3, -1).T
    if table.max() > 255:  # old programs wrote 8 bit here, as libtiff knows
        table = table >> 8
    colours: Values = table.astype(np.uint8)[values[:, :, 0]]
    return colours


def _from_printing_colours(values: Values, peak: int) -> Values:
    ink = np.minimum(values, peak).astype(np.uint32)
    light = (peak - ink[:, :, :3]) * (peak - ink[:, :, 3:]) + peak // 2
    converted: Values = (light // peak).astype(values.dtype)
    return converted


def _in_words(storage: Storage, bits: set[int], formats: set[int]) -> str:
    if not formats <= {1, 4}:
        return "numbers that have a sign or decimals"
    if len(bits) > 1:
        return f"channels of different depth ({', '.join(map(str, sorted(bits)))} bit)"
    if storage.bits > 16:
        return f"{storage.bits} bit"
    if storage.channels > _MAX_CHANNELS:
        return f"{storage.channels} channels"
    if storage.compression not in CODECS:
        return f"compressed data of the kind {_COMPRESSIONS.get(storage.compression, storage.compression)}"
    return f"differences of the kind {storage.predictor} of {storage.bits} bit"


def _not_read(path: Path, what: str) -> InputError:
    return InputError(
        f"{display_path(path.name)} stores its pixels as {what}; 1 to 16 bit (whole numbers from 0) as grey, RGB or "
        "with a palette are read. Export it as plain 8- or 16-bit TIFF or PNG."
    )
