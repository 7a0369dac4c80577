"""Which files a person gave which role for a photograph: kept in the user's configuration folder over a restart.

What is next to a photograph and was found by its name is not kept, it is found again. An answer about a doubtful label
holds for that very file: once it has changed, the question comes again. A damaged record costs only itself.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, get_args

from core.errors import LabelError
from core.files import file_stamp
from core.photo.label_checks import AS_IT_IS, LabelReading
from core.photo.label_matching import TURNS
from core.photo.label_values import LabelValues
from core.strict import Malformed, parse_json, read_bytes
from serr_gui.model.comparison import EXPERTS, LabelFile
from serr_gui.model.settings import config_folder, config_locked, write_config
from serr_gui.model.state import FovChoice, FovSource

FILE_NAME: Final = "labels.json"
LIMIT: Final = 1000
"""So many photographs are kept, those with the latest choices."""
_FOV: Final = "field of view"


@dataclass(frozen=True, slots=True)
class LabelChoices:
    """What was chosen for a photograph; an expert who is not in ``labels`` was left to be found, None was removed."""

    labels: Mapping[int, LabelFile | None] = field(default_factory=dict)
    fov: FovChoice | None = None


def load_choices(photo: Path, records: Mapping[str, Any] | None = None) -> LabelChoices:
    """What a person chose for this photograph; ``records`` where they have been read already."""
    try:
        return _kept_from((_read() if records is None else records).get(str(photo)))
    except (AttributeError, TypeError, ValueError, KeyError):
        return LabelChoices()


def remember(photo: Path, change: LabelChoices) -> None:
    """Keep what ``change`` has, beside what was kept before.

    Raises
    ------
    OutputError : the folder cannot be written to.
    """
    with _changed() as records:
        before = load_choices(photo, records)
        now = LabelChoices({**before.labels, **change.labels}, change.fov or before.fov)
        if now != before:
            _put(records, photo, now)


def remember_found(expert: int, files: Mapping[Path, LabelFile]) -> None:
    """Keep what was found in a folder that a person named for an expert; files chosen one by one stay.

    Raises
    ------
    OutputError : the folder cannot be written to.
    """
    with _changed() as records:
        for photo, file in files.items():
            before = load_choices(photo, records)
            old = before.labels.get(expert)
            if old is None or old.found:
                _put(records, photo, replace(before, labels={**before.labels, expert: file}))


def forget_label(photo: Path, expert: int) -> None:
    """Let an expert's label be found by its name again.

    Raises
    ------
    OutputError : the folder cannot be written to.
    """
    with _changed() as records:
        before = load_choices(photo, records)
        left = {each: file for each, file in before.labels.items() if each != expert}
        _put(records, photo, replace(before, labels=left))


def forget_all() -> None:
    """Forget the choices for every photograph.

    Raises
    ------
    OutputError : the folder cannot be written to.
    """
    with _changed() as records:
        records.clear()


@contextmanager
def _changed() -> Iterator[dict[str, Any]]:
    """The records, to be changed; written where they were, while no other window reads or writes them."""
    with config_locked(config_folder()):
        records = _read()
        before = json.dumps(records)
        yield records
        if json.dumps(records) != before:
            _write(records)


def _put(records: dict[str, Any], photo: Path, kept: LabelChoices) -> None:
    """Make it the latest of the records."""
    records.pop(str(photo), None)
    record: dict[str, Any] = {expert_name(expert): label_values(file) for expert, file in kept.labels.items()}
    if kept.fov is not None:
        record[_FOV] = {"request": kept.fov.request, "file": str(kept.fov.file) if kept.fov.file else ""}
    if record:
        records[str(photo)] = record


def _read() -> dict[str, Any]:
    """The records by photograph, as they are in the file; other windows may have written it, too."""
    try:
        stored = parse_json(read_bytes(config_folder() / FILE_NAME), surrogates=True)
        return {photo: record for photo, record in stored["photographs"].items() if _can_be_written([photo, record])}
    except (OSError, Malformed, TypeError, KeyError, AttributeError):
        return {}


def _can_be_written(record: object) -> bool:
    """Whether all its texts are UTF-8, or names of files that are not."""
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _write(photographs: Mapping[str, Any]) -> None:
    latest = dict(list(photographs.items())[-LIMIT:])
    write_config(config_folder() / FILE_NAME, {"version": 1, "photographs": latest})


def expert_name(expert: int) -> str:
    """How the role of an expert is called in files."""
    return f"expert {expert + 1}"


def label_values(file: LabelFile | None) -> dict[str, Any] | None:
    """A label file and how it is read, as JSON values; the disk is not asked."""
    if file is None:
        return None
    record: dict[str, Any] = {"file": str(file.path), "found": file.found}
    if file.accepted:
        record |= {"inverted": file.inverted, "answered for": list(file.stamp or ())}
    if file.reading != AS_IT_IS:
        values = file.reading.values
        record |= {"turn": file.reading.turn, "read for": list(file.stamp or ())}
        record |= {"vessel": values.vessel_text, "ignored": values.ignored_text} if values else {}
    return record


def _kept_from(record: Any) -> LabelChoices:
    if record is None:
        return LabelChoices()
    labels = {expert: label_from(record[expert_name(expert)]) for expert in EXPERTS if expert_name(expert) in record}
    fov = record.get(_FOV)
    if fov is None:
        return LabelChoices(labels)
    request: FovSource = fov["request"] if "request" in fov else fov["wish"]  # as version 0.1.0 wrote it
    if request not in get_args(FovSource) or (request == "file") != bool(fov["file"]):
        raise ValueError("no field of view")
    return LabelChoices(labels, FovChoice(request, Path(fov["file"]) if fov["file"] else None))


def label_from(record: Any) -> LabelFile | None:
    """The reverse of ``label_values``. Raises KeyError, TypeError or ValueError."""
    if record is None:
        return None
    path = Path(record["file"])
    stamp = file_stamp(path)
    answered = "answered for" in record and record["answered for"] == list(stamp or ())
    inverted = answered and record["inverted"] is True
    return LabelFile(
        path,
        found=record.get("found") is True,
        inverted=inverted,
        accepted=answered,
        reading=_reading_from(record, stamp),
        stamp=stamp,
    )


def _reading_from(record: Any, stamp: tuple[int, int] | None) -> LabelReading:
    """How the file was said to be read, for as long as it is that very file."""
    if "read for" not in record or record["read for"] != list(stamp or ()):
        return AS_IT_IS
    turn = record["turn"]
    if not isinstance(turn, int) or (turn != 1 and turn not in TURNS):
        raise ValueError("no orientation")
    try:
        values = LabelValues.parse(str(record["vessel"]), str(record["ignored"])) if "vessel" in record else None
    except LabelError as error:
        raise ValueError("no values") from error
    return LabelReading(values, turn)
