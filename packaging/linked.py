"""Whether a built program for Linux has every shared library that its parts ask the dynamic linker for.

    python packaging/linked.py FOLDER

Reads all ELF files under the folder (System V ABI, chapter 5). A library that a file needs has to be in a folder of
that file's run path, in the program's library folder, or on every desktop. Ends with 1 and a line for each that is not.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

LIBRARIES = "_internal"
"""The folder under the program's own that its start puts into the path of the dynamic linker."""

# What the Debian package depends on (tools/installer.py): the C library, the graphics drivers' own, X11, zlib.
ON_EVERY_DESKTOP = re.compile(
    r"(ld-linux-(x86-64|aarch64)|lib(c|m|dl|pthread|rt|util|resolv|EGL|GL|GLX|OpenGL|X11|xcb|z))\.so\.\d+"
)
# Wayland's own libraries fit the graphics drivers of a system and must come from there; only parts of Qt that a screen
# of Wayland loads need them, and where there is such a screen they are.
WITH_WAYLAND = re.compile(r"libwayland-(client|cursor|egl)\.so\.\d+")
FOR_WAYLAND = re.compile(r"[/_-]?wayland|libqwayland|WaylandClient|wlshell|WlShell", re.IGNORECASE)


@dataclass(frozen=True)
class Linked:
    """What an ELF file asks for: names of libraries, and the folders in which they are looked for first."""

    path: Path
    needed: tuple[str, ...]
    folders: tuple[Path, ...]


def missing(program: Path) -> Iterator[tuple[Path, str]]:
    """Each ELF file of a built program that needs a library which would not be found, with that library's name."""
    for part in linked_files(program):
        for name in part.needed:
            if not any((folder / name).exists() for folder in (*part.folders, program / LIBRARIES)):
                wayland = WITH_WAYLAND.fullmatch(name) and FOR_WAYLAND.search(str(part.path.relative_to(program)))
                if not wayland and not ON_EVERY_DESKTOP.fullmatch(name):
                    yield part.path, name


def linked_files(program: Path) -> Iterator[Linked]:
    """The ELF files under a folder that the dynamic linker has work with."""
    for path in sorted(program.rglob("*")):
        if path.is_file() and not path.is_symlink() and (linked := read_linked(path)):
            yield linked


def read_linked(path: Path) -> Linked | None:
    """What an ELF file asks the dynamic linker for; None for all other files."""
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
        dynamic = next((part for part in ELFFile(file).iter_segments() if isinstance(part, DynamicSegment)), None)
        if dynamic is None:
            return None
        tags = list(dynamic.iter_tags())
        needed = tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED")
        texts = [tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
        texts += [tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"]
    folders = [folder for text in texts for folder in text.split(":") if folder.startswith(("$ORIGIN", "${ORIGIN}"))]
    places = (folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", str(path.parent), 1) for folder in folders)
    return Linked(path, needed, tuple(map(Path, places)))


def main(arguments: Sequence[str]) -> int:
    program = Path(arguments[0])
    absent = list(missing(program))
    for path, name in absent:
        sys.stderr.write(f"{path.relative_to(program)} needs {name}, which is not in the program\n")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
