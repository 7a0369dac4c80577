"""From what stands on the command line to the list of photographs."""

import glob
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.console import UsageError
from core.files import shown
from core.photo.reading import is_photo_path

_OWN_RESULTS = ("_mask", "_probability", "_overlay")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The photographs, each once and in the order given; what could not be expanded; own results that were left out."""

    photos: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    left_out: int


def find_photos(given: Sequence[str]) -> Inputs:
    """Expand files, folders (their photographs, without sub-folders) and glob patterns (``**`` for any depth).

    Patterns are expanded here, because the Windows shells hand them on. A file that is named is taken as it is, even
    if it is missing or no photograph: reading it will say so, and the others are still done. From folders and patterns,
    masks and overlays that an earlier run wrote beside its photographs are left out.

    Raises
    ------
    UsageError : not one photograph was found.
    """
    photos: dict[Path, Path] = {}
    failed: list[tuple[Path, str]] = []
    left_out = 0
    for text in given:
        path = Path(text)
        if path.is_dir():
            found = _files_in(path)
            empty = f"{shown(path)} is a folder without photographs (or may not be read). Choose the photographs."
        elif not path.exists() and glob.has_magic(text):
            names = glob.glob(text, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
            found = [match for name in names if (match := Path(name)).is_file()]
            empty = f"no photographs match {text}. Check the pattern."
        else:
            photos.setdefault(_spelt_out(path), path)
            continue
        readable = sorted(match for match in found if is_photo_path(match))
        stems = {(match.parent, match.stem) for match in readable}
        kept = [match for match in readable if not _is_own_result(match, stems)]
        left_out += len(readable) - len(kept)
        if not kept:
            failed.append((path, empty))
        for match in kept:
            photos.setdefault(_spelt_out(match), match)
    if not photos:
        raise UsageError(" ".join(sentence for _, sentence in failed) or "no photographs are given.")
    return Inputs(tuple(photos.values()), tuple(failed), left_out)


def _files_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _spelt_out(path: Path) -> Path:
    """The path without ``..``: two spellings are one photograph, two links are two."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps "..", Path.resolve follows links


def _is_own_result(path: Path, stems: Collection[tuple[Path, str]]) -> bool:
    """Whether a photograph or a side-car beside it has the name that is left without the ending of a result."""
    for ending in _OWN_RESULTS:
        stem = path.stem.removesuffix(ending)
        if stem != path.stem:
            return (path.parent, stem) in stems or (path.parent / f"{stem}.serr.json").is_file()
    return False
