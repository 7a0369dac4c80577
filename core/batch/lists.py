"""Lists of photographs: CSV files whose other columns are kept, and texts with a path in each line."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.batch.stores import address_of, plain_path
from core.errors import InputError
from core.files import display_path
from core.photo.walking import same_name
from core.strict import Malformed, read_bytes

LIST_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".list"})
_MOST_BYTES: Final = 2 << 30
_PATH_COLUMNS: Final = (
    "path",
    "file",
    "filename",
    "photograph",
    "photo",
    "image",
    "image_path",
    "file_name",
    "filepath",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A photograph of a list, and what the other columns say about it."""

    path: Path
    columns: dict[str, str]


def is_list(path: Path) -> bool:
    """Whether a file is a list of photographs, by its suffix."""
    return path.suffix.lower() in LIST_SUFFIXES and path.is_file()


def read_list(file: Path, column: str | None = None) -> list[Listed]:
    """The photographs of a list in its order, each once.

    Paths count from the folder of the list; one that is not there but in the working folder is taken from there.
    Addresses in stores (``core.batch.stores``) are taken as they are.

    Parameters
    ----------
    column : the column with the paths of a table; None: the first with a usual name (path, file, image and the like).

    Raises
    ------
    InputError : the list cannot be read, has no such column, or a row does not fit its header.
    """
    text = _text(file)
    rows = _table(file, text, column) if file.suffix.lower() in {".csv", ".tsv"} else _lines(text)
    listed = [Listed(_found(file, path), columns) for path, columns in rows]
    if not listed:
        raise InputError(f"The list {display_path(file)} names no photographs. Give one with a path in each row.")
    first: dict[Path, Listed] = {}
    for each in listed:
        first.setdefault(each.path, each)
    return list(first.values())


def _text(file: Path) -> str:
    try:
        return read_bytes(file, _MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        why = "it is not UTF-8 text. Save it as CSV UTF-8"
    except Malformed as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or str(error)
    raise InputError(f"The list {display_path(file)} cannot be read: {why}.")


def _lines(text: str) -> list[tuple[str, dict[str, str]]]:
    lines = (line.strip() for line in text.splitlines())
    return [(line, {}) for line in lines if line and not line.startswith("#")]


def _table(file: Path, text: str, column: str | None) -> list[tuple[str, dict[str, str]]]:
    name = display_path(file)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"The list {name} is not a table of separated values: {error}.") from None
    header = [title.strip() for title in rows[0]] if rows else []
    if not header or len(set(header)) < len(header) or not all(header):
        raise InputError(f"The list {name} needs a first row that gives each column a name of its own.")
    at = _path_column(name, header, column)
    found = []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header) or not row[at].strip() or "\0" in row[at]:
            what = "no path" if len(row) == len(header) else f"{len(row)} columns, and the first row has {len(header)}"
            raise InputError(f"Row {number} of the list {name} has {what}. Correct the list and start again.")
        columns = {title: row[place].strip() for place, title in enumerate(header) if place != at}
        found.append((row[at].strip(), columns))
    return found


def _path_column(name: str, header: list[str], column: str | None) -> int:
    titles = [same_name(title) for title in header]
    for wanted in _PATH_COLUMNS if column is None else (column,):
        if same_name(wanted) in titles:
            return titles.index(same_name(wanted))
    if column is None and len(header) == 1:
        return 0
    which = "that looks like paths" if column is None else f'called "{column}"'
    raise InputError(
        f"The list {name} has no column {which}; it has {', '.join(map(display_path, header))}. Name one with --column."
    )


def _found(file: Path, text: str) -> Path:
    text = plain_path(text)
    path = Path(text).expanduser()
    if address_of(text) is not None:
        return path
    listed = file.parent / path
    return path if not path.is_absolute() and not listed.exists() and path.exists() else listed
