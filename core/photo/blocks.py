"""Files made of blocks with a length each, walked through to see that all of them are there: GIF and WebP."""

import struct


def gif_frames(data: bytes) -> int:
    """How many pictures a GIF file holds whose blocks are all there.

    Raises
    ------
    ValueError, IndexError : the first picture is damaged or cut short.
    """
    frames, position = 0, 13 + _table_bytes(data[10])
    try:
        while True:
            kind = data[position]
            if kind == 0x3B:  # the end
                break
            if kind == 0x21:  # an extension, and its name
                position = _after_blocks(data, position + 2)
            elif kind == 0x2C:  # a picture: place, size and flags, a table, and the size of its first codes
                position = _after_blocks(data, position + 11 + _table_bytes(data[position + 9]))
                frames += 1
            else:
                raise ValueError("block")
    except (IndexError, ValueError):
        if not frames:
            raise
    if not frames:
        raise ValueError("no picture")
    return frames


def whole_webp(data: bytes) -> tuple[bytes, int]:
    """A WebP file without what follows it, and how many more pictures it holds.

    Raises
    ------
    ValueError, struct.error : damaged or cut short.
    """
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise ValueError("cut short")
    frames, position = 0, 12
    while position + 8 <= length + 8:
        name, size = struct.unpack_from("<4sI", data, position)
        if position + 8 + size > length + 8:
            raise ValueError("cut short")
        frames += name == b"ANMF"
        position += 8 + size + size % 2
    return data[: length + 8], max(frames - 1, 0)


def _table_bytes(flags: int) -> int:
    """The length of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += data[position] + 1
    return position + 1
