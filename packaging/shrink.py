"""Makes a built program smaller on Linux: libraries that nothing loads any more, symbols that only debuggers read."""

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

Entry = tuple[str, str, str]
"""An entry of PyInstaller's table of contents: where it goes, where it comes from, what it is."""

_MUCH_TO_STRIP = re.compile(r"lib(torch_cpu|torch_python|python3[.\d]*)\.so")


def without_orphans(entries: Iterable[Entry]) -> list[Entry]:
    """Without the libraries, of the system and of wheels, that were taken for a plug-in that is not taken itself."""
    from PyInstaller.depend.bindepend import get_imports

    entries = list(entries)
    loose = {entry[0]: entry for entry in entries if re.match(r"([^/]+\.libs/)?lib(?!python)[^/]*$", entry[0])}
    by_name: dict[str, list[Entry]] = defaultdict(list)  # two wheels may bring libraries of the same name
    for entry in entries:
        if entry[2] != "SYMLINK":
            by_name[PurePosixPath(entry[0]).name].append(entry)
    reached = {entry[0] for entry in entries if entry[0] not in loose}
    waiting = [entry for entry in entries if entry[0] in reached and entry[2] in ("BINARY", "EXTENSION")]
    while waiting:
        for name, _ in get_imports(waiting.pop()[1]):
            new = [entry for entry in by_name.get(name, ()) if entry[0] not in reached]
            reached.update(entry[0] for entry in new)
            waiting += new
    return [entry for entry in entries if _pointed_to(entry) in reached]


def _pointed_to(entry: Entry) -> str:
    """A link goes where what it points to goes."""
    return str(PurePosixPath(entry[0]).parent / entry[1]) if entry[2] == "SYMLINK" else entry[0]


def stripped(entries: Iterable[Entry], folder: Path) -> list[Entry]:
    """Modules and the largest libraries without their tables of local symbols; the others are stripped already."""
    return [
        _stripped(entry, folder) if entry[2] == "EXTENSION" or _MUCH_TO_STRIP.match(Path(entry[0]).name) else entry
        for entry in entries
    ]


def _stripped(entry: Entry, folder: Path) -> Entry:
    target, source, kind = entry
    if kind == "SYMLINK" or shutil.which("strip") is None:
        return entry
    small = folder / target
    small.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", "--strip-unneeded", "-o", small, source], check=True)
    return target, str(small), kind
