"""The side-car of a result, ``<stem>.serr.json``: what it says about the result, and reading it.

Its fields are described in ``docs/formats.md``.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, get_args

import cv2
import numpy as np

from core import __version__
from core.errors import InputError
from core.files import display_path, path_text
from core.strict import Malformed, read_json
from core.threshold_rule import LEVELS, ThresholdOrigin, ThresholdRule
from core.types import NO_MARKS, BoolArray, FovOrigin, PhotoMarks, VesselMask

if TYPE_CHECKING:  # it knows torch, and reading a side-car must not wait for that
    from core.segmentation import Segmentation

FORMAT_VERSION: Final = 3
"""What is written is of version 1 unless the rule has hysteresis or a smallest vessel (2), or a drawing style (3)."""
SUFFIX: Final = ".serr.json"

_SAME = (
    *(
        "photograph.sha256",
        "field_of_view.sha256",
        "model.sha256",
        "model.preprocessing",
        "model.scaling",
        "inference.options",
    ),
    *("rule.level", "rule.low_level", "rule.min_pixels", "mask.sha256", "mask.edited"),
)


class UnfinishedResultError(InputError):
    """The program was ended while it replaced the files of a result.

    ``edited`` : whether the mask may be one that was corrected by hand.
    """

    def __init__(self, path: Path, edited: bool) -> None:
        super().__init__(
            f"The files beside {display_path(path)} are not all of one result: the program was ended while it replaced "
            "them. Make the result again."
        )
        self.edited = edited


def pixels_sha256(pixels: BoolArray) -> str:
    """SHA-256 of a mask: of its height and width as text and its pixels as bits, row by row."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.packbits(pixels).tobytes())
    return digest.hexdigest()


def sidecar_path(folder: Path, stem: str) -> Path:
    """Where the side-car of a result is."""
    return folder / f"{stem}{SUFFIX}"


def encoded(record: Mapping[str, Any]) -> bytes:
    """The content of a side-car's file."""
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def unfinished_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a side-car says while the files of a result are being replaced: none of them may be relied on.

    It still tells whose results they are, and whether the new mask was corrected by hand.
    """
    kept = {key: record[key] for key in ("serr_sidecar", "photograph")}
    return {**kept, "unfinished": True, "mask": {"edited": record["mask"]["edited"]}}


def is_same_result(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two records are of the same mask, made of the same photograph by the same model in the same way."""
    return all(_at(_with_engine(one), place) == _at(_with_engine(other), place) for place in _SAME)


def _with_engine(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of version 0.1.0 does not name the engine: there was torch alone."""
    return {**record, "inference": {"options": {"engine": "torch", **_at(record, "inference.options")}}}


def merged(older: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with the files that an older one of the same result names, as far as they are not written again."""
    joined = {key: _at(older, key) | _at(record, key) for key in ("files", "files_sha256", "overlay", "doubt_map")}
    return {**record, **{key: value for key, value in joined.items() if value}}


def _at(record: Mapping[str, Any], place: str) -> Any:
    """What a record has at a place such as "mask.sha256"; an empty dictionary where it has nothing there."""
    found: Any = record
    for key in place.split("."):
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found


@dataclass(frozen=True, slots=True)
class Annotation:
    """What an observer has said of a photograph, and how many pixels of its mask a hand has decided.

    ``strokes`` : how many steps of Undo that took. ``observer`` : the name of the person, where it is known.
    ``measuring`` : what was said for measures (optic disc, pixel size, marks of vessels), JSON values.
    """

    marks: PhotoMarks
    vessel_pixels: int = 0
    background_pixels: int = 0
    strokes: int = 0
    observer: str = ""
    measuring: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.marks != NO_MARKS or bool(self.vessel_pixels + self.background_pixels) or bool(self.measuring)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            **asdict(self.marks),
            "seconds": round(self.marks.seconds, 1),
            "vessel_pixels": self.vessel_pixels,
            "background_pixels": self.background_pixels,
            "strokes": self.strokes,
            **({"observer": self.observer} if self.observer else {}),
            **({"measuring": dict(self.measuring)} if self.measuring else {}),
        }


@cache  # reading what a package says about itself takes 2 ms
def _versions(engine: str) -> dict[str, str]:
    """Of torch, and of what ran the network in its place. An opened session may name what is not installed here."""
    versions = {"torch": version("torch")}
    if engine != "torch":
        with suppress(PackageNotFoundError):
            versions[engine] = version(engine)
    return versions


def make_record(segmentation: "Segmentation", mask: VesselMask, annotation: Annotation | None = None) -> dict[str, Any]:
    """All that is needed to know how a result was made and to make it again, as plain JSON values."""
    image, fov, card = segmentation.image, segmentation.fov, segmentation.card
    inside = int(np.count_nonzero(fov.inside))
    vessels = int(np.count_nonzero(mask.vessel))
    return {
        "serr_sidecar": FORMAT_VERSION if mask.rule.style else 1 if mask.rule.is_plain else 2,
        "program": {"version": __version__, **_versions(segmentation.options.engine), "opencv": cv2.__version__},
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "photograph": {
            "file": image.origin or (path_text(image.source.absolute()) if image.source else None),
            "sha256": image.sha256,
            "width": image.shape[1],
            "height": image.shape[0],
            "bit_depth": image.bit_depth,
        },
        "field_of_view": {
            "origin": fov.origin,
            "file": path_text(fov.source.absolute()) if fov.source else None,
            "sha256": pixels_sha256(fov.inside),
            "pixels": inside,
            "diameter_px": fov.diameter_px,
        },
        "model": {
            "name": card.name,
            "sha256": segmentation.model_sha256,
            "architecture": card.architecture,
            "preprocessing": card.preprocessing.to_dict(),
            **({} if card.scaling.is_none else {"scaling": card.scaling.to_record()}),
        },
        "inference": {
            "options": segmentation.options.to_dict(),
            "device": segmentation.device,
            "precision": segmentation.precision,
            "tiles": segmentation.tiles,
            "scale": segmentation.scale,
        },
        "rule": _rule_record(mask.rule),
        "mask": {
            "sha256": pixels_sha256(mask.vessel),
            "pixels": vessels,
            "share_of_field_of_view": vessels / inside,
            "edited": mask.edited,
        },
        **({"annotation": annotation.to_dict()} if annotation else {}),
        "notes": list(segmentation.notes),
        "doubts": [asdict(doubt) for doubt in segmentation.doubts],
    }


def _rule_record(rule: ThresholdRule) -> dict[str, Any]:
    plain: dict[str, Any] = {"level": rule.level, "origin": rule.origin, "threshold": rule.threshold}
    if rule.style:
        plain["style"] = rule.style
    meaning = "vessel where floor(256 * probability) >= level"
    if rule.is_plain:
        return {**plain, "meaning": meaning}
    _, low_level, min_pixels = rule.makes
    if low_level < rule.level:
        meaning += ", or >= low_level where connected with such a pixel (4 neighbours)"
    if min_pixels > 1:
        meaning += "; then vessels of fewer than min_pixels pixels (8 neighbours) left out"
    return {
        **plain,
        "low_level": low_level,
        "low": low_level / LEVELS,
        "min_pixels": min_pixels,
        "meaning": meaning,
    }


def _rule_of(record: dict[str, Any], level: int, origin: ThresholdOrigin) -> ThresholdRule:
    """The rule of a record; ``low_level``, ``min_pixels`` and ``style`` are missing where it has none."""
    low_level, min_pixels, style = record.get("low_level"), record.get("min_pixels", 0), record.get("style", "")
    if not (low_level is None or type(low_level) is int) or type(min_pixels) is not int or not isinstance(style, str):
        raise TypeError(f"rule is {record!r:.120}")
    return ThresholdRule(level, origin, low_level, min_pixels, style)


@dataclass(frozen=True, slots=True)
class SideCar:
    """What a side-car says, as far as it is needed to judge the result and to make it again; ``record`` is all of it.

    Parameters
    ----------
    files : names of the files that were written with it, by kind. ``files_sha256`` : of their bytes; empty in those of
        version 0.1.0.
    """

    path: Path
    photo: Path | None
    photo_sha256: str | None
    model: str
    model_sha256: str
    options: dict[str, object]
    rule: ThresholdRule
    fov_origin: FovOrigin
    fov_file: Path | None
    fov_sha256: str
    mask_sha256: str
    edited: bool
    files: dict[str, str]
    files_sha256: dict[str, str]
    record: dict[str, Any]

    @property
    def measuring(self) -> dict[str, Any]:
        """What was said for measures of the photograph, JSON values that nobody has checked yet."""
        about = self.record.get("annotation")
        said = about.get("measuring") if isinstance(about, dict) else None
        return said if isinstance(said, dict) else {}


def read_sidecar(path: Path) -> SideCar:
    """Read a side-car and check every value that is needed to make the result again.

    Raises
    ------
    InputError : the file is missing, unreadable, no side-car, damaged, or from a newer program.
    UnfinishedResultError : an InputError; the files of the result were being replaced when the program was ended.
    """
    try:
        record = read_json(path)
        found = record["serr_sidecar"]
    except OSError as error:
        raise InputError(
            f"The side-car {display_path(path)} cannot be read: {error.strerror or error}. Choose another, or make the "
            "result again."
        ) from error
    except (Malformed, KeyError, TypeError) as error:
        why = f" ({error})" if isinstance(error, Malformed) else ""
        raise InputError(
            f"{display_path(path)} is not a side-car of this program{why}: choose a file that it wrote, with a name "
            "that ends in .serr.json."
        ) from error
    if type(found) is not int or found > FORMAT_VERSION:
        raise InputError(f"{display_path(path)} was written by a newer version of this program: update the program.")
    try:
        return _checked(path, record)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The side-car {display_path(path)} is damaged ({error}): make the result again.") from error


def _checked(path: Path, record: dict[str, Any]) -> SideCar:
    """Raises KeyError, TypeError or ValueError for what is missing or wrong, with the place in its text."""

    def value(place: str, kind: type | UnionType) -> Any:
        found: Any = record
        for key in place.split("."):
            if not isinstance(found, dict) or key not in found:
                raise KeyError(f"{place} is missing")
            found = found[key]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is int):
            raise TypeError(f"{place} is {found!r:.80}")
        return found

    def one_of(place: str, literal: object) -> Any:
        if value(place, str) not in get_args(literal):
            raise ValueError(f"{place} is {value(place, str)!r:.80}")
        return value(place, str)

    def texts(place: str) -> dict[str, str]:
        found = value(place, dict) if place in record else {}
        for key, text in found.items():
            if not isinstance(text, str) or Path(text).name != text:
                raise ValueError(f"{place}.{key} is {text!r}")
        return dict(found)

    if value("unfinished", bool) if "unfinished" in record else False:
        raise UnfinishedResultError(path, edited=value("mask.edited", bool))
    photo, fov_file = value("photograph.file", str | None), value("field_of_view.file", str | None)
    return SideCar(
        path=path,
        photo=Path(photo) if photo else None,
        photo_sha256=value("photograph.sha256", str | None),
        model=value("model.name", str),
        model_sha256=value("model.sha256", str),
        options=dict(value("inference.options", dict)),
        rule=_rule_of(value("rule", dict), value("rule.level", int), one_of("rule.origin", ThresholdOrigin)),
        fov_origin=one_of("field_of_view.origin", FovOrigin),
        fov_file=Path(fov_file) if fov_file else None,
        fov_sha256=value("field_of_view.sha256", str),
        mask_sha256=value("mask.sha256", str),
        edited=value("mask.edited", bool),
        files=texts("files"),
        files_sha256=texts("files_sha256"),
        record=record,
    )
