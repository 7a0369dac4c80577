"""Whether a picture was made by a network from a photograph: its side-car says so, and a PNG of ours itself.

Such a picture can be opened, segmented and measured like a photograph, and then looks like one. So it carries its mark
in two places: in ``NAME.enhanced.json`` beside it, and inside the file, where a copy without the side-car keeps it.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.files import printable
from core.photo.sibling_files import photo_stem
from core.strict import Malformed, open_regular, parse_json, read_json
from core.types import Doubt, FundusImage

ENHANCED_SUFFIX: Final = ".enhanced.json"
_KEYWORD: Final = b"serr-enhanced"
_AFTER_HEADER: Final = 33  # of a PNG: its signature and its first chunk
_MOST_BYTES: Final = 1 << 16
_SHOWN: Final = 80


def enhanced_sidecar(picture: Path) -> Path:
    """Where the side-car of an enhanced picture is."""
    return picture.with_name(photo_stem(picture) + ENHANCED_SUFFIX)


def enhanced_doubt(image: FundusImage) -> Doubt | None:
    """The doubt about a picture that is an enhanced one; None for all others, and for what has no file."""
    record = None if image.source is None else read_mark(image.source)
    if record is None:
        return None
    network, original = (_part(record, *place) for place in (("network", "name"), ("original", "file")))
    by = f" ({network[:_SHOWN]})" if network else ""
    instead = f" {Path(original).name[:_SHOWN]}" if original else ""
    return Doubt(
        "enhanced",
        f"This picture was enhanced by a network{by}: what it shows may be invented. For results that count use the "
        f"original photograph{instead}.",
    )


def read_mark(picture: Path) -> Mapping[str, Any] | None:
    """What the mark of an enhanced picture says, from its side-car or from itself; None where it has none.

    A mark that cannot be read is an empty one: that the picture is enhanced is known even so.
    """
    sidecar = enhanced_sidecar(picture)
    try:
        return _mapping(read_json(sidecar, _MOST_BYTES))
    except FileNotFoundError:
        pass
    except (OSError, Malformed):
        return {} if sidecar.exists() else None
    try:
        with open_regular(picture) as file:
            start = file.read(_AFTER_HEADER + 8 + _MOST_BYTES)
    except (OSError, Malformed):
        return None
    return _in_png(start)


def marked_png(png: bytes, record: Mapping[str, Any]) -> bytes:
    """A PNG file with its mark, as a text behind the header."""
    body = _KEYWORD + b"\0" + json.dumps(record).encode("ascii")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return png[:_AFTER_HEADER] + chunk + png[_AFTER_HEADER:]


def _in_png(start: bytes) -> Mapping[str, Any] | None:
    text = start[_AFTER_HEADER + 4 :]
    if not (start.startswith(b"\x89PNG") and text.startswith(b"tEXt" + _KEYWORD + b"\0")):
        return None
    (length,) = struct.unpack_from(">I", start, _AFTER_HEADER)
    try:
        return _mapping(parse_json(text[4 + len(_KEYWORD) + 1 : 4 + length]))
    except Malformed:
        return {}


def _mapping(values: object) -> Mapping[str, Any]:
    return values if isinstance(values, Mapping) else {}


def _part(record: Mapping[str, Any], section: str, key: str) -> str:
    value = _mapping(record.get(section)).get(key)
    return printable(value) if isinstance(value, str) else ""
