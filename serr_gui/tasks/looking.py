"""Questions to the disk that a dialog begins with; each may wait for a slow share."""

import os
from collections.abc import Iterable
from pathlib import Path


def folders_among(paths: Iterable[Path]) -> frozenset[Path]:
    """Those of some paths that are folders; what cannot be looked at is none."""
    return frozenset(path for path in paths if os.path.isdir(path))  # noqa: PTH112 - Path.is_dir raises where it may not look


def existing(files: Iterable[Path]) -> tuple[Path, ...]:
    """Those of some files that exist; what cannot be looked at does not."""
    return tuple(path for path in files if os.path.exists(path))  # noqa: PTH110 - as above


def nearest_folder(path: Path) -> Path:
    """The folder, or the first one around it that exists; the home folder where none does."""
    return next((each for each in (path, *path.parents) if os.path.isdir(each)), Path.home())  # noqa: PTH112
