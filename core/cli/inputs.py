"""The photographs that a command line names, and sentences on what is not among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.console import UsageError, tell
from core.files import display_path
from core.photo.finding import FolderPhotos
from core.photo.given import Found, find_masks, find_photos


@dataclass(frozen=True, slots=True)
class Inputs:
    """The photographs, each file once and in the order given; what could not be expanded; what was left out."""

    photos: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    notes: tuple[str, ...]

    def tell_rest(self) -> None:
        """Say on stderr what could not be expanded, and what was left out."""
        for sentence in (*(why for _, why in self.failed), *self.notes):
            tell(f"serr: {sentence}")


def photo_inputs(given: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Photographs of files, folders and patterns (see ``core.photo.given``). Raises UsageError where there is none."""
    return inputs_of(find_photos(given, recursive=recursive, patterns=True))


def mask_inputs(given: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Masks of files, folders and patterns (see ``core.photo.given``). Raises UsageError where there is none."""
    return inputs_of(find_masks(given, recursive=recursive, patterns=True), "masks", "")


def inputs_of(found: Found, what: str = "photographs", instead: str = ", or the photographs themselves") -> Inputs:
    """What was found, with sentences on the rest. Raises UsageError where that is nothing."""
    failed: list[tuple[Path, str]] = []
    notes: list[str] = []
    for place in found.places:
        path, name = place.path, display_path(place.path)
        if place.problem:
            failed.append((path, place.problem))
        elif place.found.photos:
            notes += _notes(path, place.found)
        else:
            empty = f"no {what} match {name}. Check the pattern."
            if path.is_dir():
                empty = f"{name} is a folder without {what}. Choose another{instead}."
            failed.append((path, " ".join([empty, *_notes(path, place.found, name=False)])))
    if found.own_results:
        notes.append(
            f"{found.own_results} of the files are results of earlier runs beside their photographs: they are left out."
        )
    if not found.photos:
        raise UsageError(" ".join(sentence for _, sentence in failed) or f"no {what} are given.")
    return Inputs(found.photos, tuple(failed), tuple(notes))


def _notes(path: Path, found: FolderPhotos, *, name: bool = True) -> list[str]:
    """Sentences on what was left out of a folder or a pattern."""
    where = f"{display_path(path)}: " if name else ""
    notes = []
    if found.inner is not None:
        notes.append(f"{where}the photographs are taken from its sub-folder {display_path(found.inner.name)}.")
    if found.left_out.text:
        notes.append(f"{where}{'left out: ' if name else 'Left out: '}{found.left_out.text}.")
    if found.below.text:
        below = found.below.text
        notes.append(f"{where}{below}: add --recursive to include {'it' if found.below.photos == 1 else 'them'}.")
    return notes
