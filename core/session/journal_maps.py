"""The results that a journal keeps in its folder: bounded on the disk, and shared with the journal that follows.

The oldest are given up first, and only those of photographs whose work an export or a session holds, too. Corrections
are in the log: they are never given up, and lie over what the network finds again.
"""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.session.records import PhotoRecord

MAPS_BYTES: Final = 4 << 30
"""What the results of one window may take, but for those of photographs with work that is nowhere else."""


def file_size(path: Path) -> int:
    """In bytes; 0 where it is not there."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def surplus(maps: Iterable[Path], clean: Iterable[Path], most: int) -> frozenset[Path]:
    """Which of the ``clean`` ones, the oldest first, have to go so that all ``maps`` take at most so many bytes."""
    excess = sum(file_size(path) for path in maps) - most
    gone: set[Path] = set()
    if excess > 0:
        for path in sorted(clean, key=_age):
            if excess <= 0:
                break
            excess -= file_size(path)
            gone.add(path)
    return frozenset(gone)


def within(photos: tuple[PhotoRecord, ...], most: int) -> tuple[PhotoRecord, ...]:
    """The photographs without the results that are too many."""
    maps = [photo.map.file for photo in photos if photo.map is not None]
    clean = [photo.map.file for photo in photos if photo.map is not None and not photo.unsaved]
    gone = surplus(maps, clean, most)
    return tuple(replace(one, map=None) if one.map is not None and one.map.file in gone else one for one in photos)


def shared(photo: PhotoRecord, maps: Path) -> PhotoRecord:
    """The photograph with its result in another folder, too; without it where it no longer exists."""
    if photo.map is None:
        return photo
    place = maps / photo.map.file.name
    try:
        place.hardlink_to(photo.map.file)
    except OSError:  # a disk without such links, or one that is left from an earlier try
        try:
            shutil.copy(photo.map.file, place)
        except shutil.SameFileError:
            pass
        except OSError:
            return replace(photo, map=None)
    return replace(photo, map=replace(photo.map, file=place))


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
