"""Lists of photographs: CSV files whose other columns are kept, and texts with a path in each line."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from core.batch.stores import address_of, plain_path
from core.errors import InputError
from core.files import display_path
from core.photo.reading import is_photo_path
from core.photo.walking import same_name
from core.strict import Malformed, is_text, open_regular

LIST_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".list"})
_LONGEST: Final = 1 << 17
"""Characters of a line."""
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


def read_list(file: Path, column: str | None = None) -> Iterator[Listed]:
    """The photographs of a list in its order, one after the other, as often as it names them.

    Paths count from the folder of the list; one that is not there but in the working folder is taken from there.
    Addresses in stores (``core.batch.stores``) are taken as they are.

    Parameters
    ----------
    column : the column with the paths of a table; None: the first with a usual name (path, file, image and the like).

    Raises
    ------
    InputError : the list cannot be read, has no such column, or a row does not fit its header.
    """
    is_empty = True
    try:
        with open_regular(file) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            rows = _table(file, text, column) if file.suffix.lower() in {".csv", ".tsv"} else _lines(file, text)
            for path, columns in rows:
                is_empty = False
                yield Listed(_found(file, path), columns)
    except UnicodeDecodeError:
        why = "it is not UTF-8 text. Save it as CSV UTF-8"
    except Malformed as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or str(error)
    else:
        if is_empty:
            raise InputError(f"The list {display_path(file)} names no photographs. Give one with a path in each row.")
        return
    raise InputError(f"The list {display_path(file)} cannot be read: {why}.")


def _lines(file: Path, text: TextIO) -> Iterator[tuple[str, dict[str, str]]]:
    for whole in _pieces(text):
        for line in map(str.strip, whole.splitlines()):
            if "\0" in line or len(line) > _LONGEST:
                raise InputError(f"The list {display_path(file)} is not a text with a path in each line.")
            if line and not line.startswith("#"):
                yield line, {}


def _pieces(text: TextIO) -> Iterator[str]:
    """Its lines; where one is too long the first part of it."""
    while line := text.readline(_LONGEST + 2):
        yield line


def _table(file: Path, text: TextIO, column: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    name = display_path(file)
    first = text.readline(_LONGEST)
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(chain([first], _pieces(text)), delimiter=delimiter, strict=True)
    try:
        header = [title.strip() for title in next(rows, [])]
        if not header or len(set(header)) < len(header) or not all(header):
            raise InputError(f"The list {name} needs a first row that gives each column a name of its own.")
        if not all(map(is_text, header)):
            raise InputError(f"The first row of the list {name} holds characters that no text has. Correct the list.")
        at = _path_column(name, header, column)
        if is_photo_path(Path(header[at])):
            raise InputError(
                f"The first row of the list {name} names no columns but a photograph, {display_path(header[at])}. Put "
                "a row above it that names each column, such as path, or save the list as a text (.txt) with a path in "
                "each line."
            )
        for number, row in enumerate(rows, 2):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header) or not row[at].strip():
                what = (
                    "no path" if len(row) == len(header) else f"{len(row)} columns, and the first row has {len(header)}"
                )
                raise InputError(f"Row {number} of the list {name} has {what}. Correct the list and start again.")
            if not all(map(is_text, row)):
                raise InputError(
                    f"Row {number} of the list {name} holds characters that no text has. Correct the list and start "
                    "again."
                )
            yield row[at].strip(), {title: row[place].strip() for place, title in enumerate(header) if place != at}
    except csv.Error as error:
        raise InputError(f"The list {name} is not a table of separated values: {error}.") from None


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
    path = Path(text).expanduser() if text.startswith("~") else Path(text)
    if address_of(text) is not None:
        return path
    listed = file.parent / path
    if path.is_absolute() or os.path.exists(listed):  # noqa: PTH110 - False for names that no file can have
        return listed
    return path if os.path.exists(path) else listed  # noqa: PTH110
