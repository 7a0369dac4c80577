"""Finding the photographs of a session again: by name and by content, also where they were moved or renamed."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.files import file_sha256, is_there
from core.photo.reading import is_photo_path
from core.session.records import PhotoRef

MOST_HASHED: Final = 1000
"""So many pictures are read to find one that was renamed."""

Found = Literal["there", "moved", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """Where a photograph is now. ``path`` : of the file, for "changed" of the one that is in its place."""

    path: Path
    found: Found


class PhotoFinder:
    """Looks where a photograph was, where it is from the session's folder, and beside the session file.

    Parameters
    ----------
    folder : of the session file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hashes: dict[Path, str | None] = {}
        self._by_content: dict[str, Path] | None = None

    def find(self, photo: PhotoRef, relative: str = "") -> PhotoPlace:
        """``relative`` : the path from the session's folder, with forward slashes."""
        places = [photo.path]
        if relative and not Path(relative).is_absolute():
            places.append(self._folder / relative)
        places.append(self._folder / photo.path.name)
        there = [place for place in dict.fromkeys(places) if is_there(place)]
        for place in there:
            if photo.sha256 is None or self._hash(place) == photo.sha256:
                return PhotoPlace(place, "there" if place == photo.path else "moved")
        if photo.sha256 is not None:
            found = self._content(dict.fromkeys(place.parent for place in places)).get(photo.sha256)
            if found is not None:
                return PhotoPlace(found, "moved")
        return PhotoPlace(there[0], "changed") if there else PhotoPlace(photo.path, "missing")

    def _hash(self, path: Path) -> str | None:
        if path not in self._hashes:
            self._hashes[path] = file_sha256(path)
        return self._hashes[path]

    def _content(self, folders: Iterable[Path]) -> dict[str, Path]:
        """The pictures of the folders and of that of the session, by the hash of their bytes; looked for once."""
        if self._by_content is None:
            pictures: list[Path] = []
            for folder in dict.fromkeys((self._folder, *folders)):
                with suppress(OSError):
                    pictures += sorted(path for path in folder.iterdir() if is_photo_path(path) and path.is_file())
            hashes = {path: self._hash(path) for path in pictures[:MOST_HASHED]}
            self._by_content = {sha256: path for path, sha256 in hashes.items() if sha256 is not None}
        return self._by_content
