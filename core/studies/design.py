"""Which photograph belongs to which group, or to which visit of which eye."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import InputError
from core.files import display_path, printable
from core.photo.walking import natural_key

COLUMNS: Final = (
    "file,group or file,group,subject for two groups; file,subject,visit or file,subject,eye,visit for visits"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A photograph of a study: its file, its group (or visit), and whose it is.

    Photographs of one subject in one group count as one, by their mean. Of visits, ``eye`` tells the eyes of a subject
    apart.
    """

    file: str
    group: str
    subject: str = ""
    eye: str = ""

    @property
    def unit(self) -> tuple[str, str, str]:
        """What is counted once: the subject's eye, the subject, or the photograph.

        Its parts stay apart: subject "A" with eye "B" is not the subject "A B".
        """
        return (self.subject, self.eye, "") if self.subject else ("", "", self.file)


def unit_text(unit: tuple[str, str, str]) -> str:
    """A ``Member.unit`` as text for the user."""
    return " ".join(part for part in unit if part)


@dataclass(frozen=True, slots=True)
class Design:
    """A study of two groups, or (``paired``) of two visits: the second of ``labels`` is compared with the first."""

    members: tuple[Member, ...]
    labels: tuple[str, str]
    paired: bool


def design_of(members: Iterable[Member], *, paired: bool) -> Design:
    """The design of a study. Of two labels the first in natural order comes first: 6 before 12, 2019 before 2023.

    Raises
    ------
    InputError : there are not two labels, a photograph is named twice, or an eye has no name.
    """
    members = tuple(members)
    what = "visits" if paired else "groups"
    labels = sorted({member.group for member in members}, key=natural_key)
    if len(labels) != 2:
        names = f" ({', '.join(labels[:5])})" if labels else ""
        raise InputError(f"A comparison needs two {what}, but there are {len(labels)}{names}.")
    twice = [file for file, times in Counter(member.file for member in members).items() if times > 1]
    if twice:
        raise InputError(f"{display_path(twice[0])} is named twice: each photograph belongs to one of the {what}.")
    if paired and not all(member.subject for member in members):
        nameless = next(member.file for member in members if not member.subject)
        raise InputError(f"{display_path(nameless)} has no subject: visits are compared eye by eye.")
    return Design(members, (labels[0], labels[1]), paired)


def read_design(path: Path) -> Design:
    """Read a design from a CSV with a header line: file,group[,subject], or file,subject[,eye],visit.

    Raises
    ------
    InputError : the file cannot be read or is not such a table.
    """
    name = display_path(path)
    rows = read_rows(path)
    columns = set(rows[0]) if rows else set()
    paired = "visit" in columns
    if not rows or "file" not in columns or not columns & {"group", "visit"} or (paired and "subject" not in columns):
        raise InputError(f"{name} is not a table of groups or visits. Its columns must be {COLUMNS}.")
    if paired and "group" in columns:
        raise InputError(f"{name} has both group and visit: a comparison is of one of them. Leave one column out.")
    members = []
    for number, row in enumerate(rows, 2):
        group = row["visit" if paired else "group"]
        if not row["file"] or not group:
            raise InputError(f"{name}, line {number}: file and {'visit' if paired else 'group'} must not be empty.")
        members.append(Member(row["file"], group, row.get("subject", ""), row.get("eye", "") if paired else ""))
    try:
        return design_of(members, paired=paired)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV by the names in its header line, without spaces around values; ; and tabs separate, too.

    Raises
    ------
    InputError : it cannot be read, is not text in UTF-8, or two of its columns have the same name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{display_path(path)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{display_path(path)} is not a table in UTF-8: save it as CSV (UTF-8).") from None
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{display_path(path)} is not a CSV table: {error}.") from None
    lines = [[cell.strip() for cell in line] for line in lines]
    lines = [line for line in lines if any(line)]
    if not lines:
        return []
    names, found = lines[0], list[Mapping[str, str]]()
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise InputError(f'{display_path(path)} has two columns with the name "{printable(twice[0])}": remove one.')
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(names):
            raise InputError(
                f"{display_path(path)}, line {number}: {len(line)} values for {len(names)} columns. Put values that "
                f"contain {separator!r} in quotes."
            )
        found.append(dict(zip(names, line, strict=True)))
    return [dict(row) for row in found]
