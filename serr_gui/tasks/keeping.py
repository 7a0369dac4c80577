"""Reading what an earlier time has left: results of journals and sessions, with the photographs that they belong to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.progress import Monitor, Progress
from core.session.archive import read_about, read_result
from core.session.journal import AbandonedJournal, Journal, abandoned_journals
from core.session.maps import result_from, result_members
from core.session.records import MapPlace, PhotoRecord
from core.strict import Malformed
from serr_gui.model.keeping import Kept, journals_folder, kept_of
from serr_gui.model.result_store import Load, ResultStore

if TYPE_CHECKING:
    from core.segmentation import Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """A photograph of an earlier time; ``load`` reads its result, None where it has none."""

    kept: Kept
    load: Load | None


@dataclass(frozen=True, slots=True, eq=False)
class TakenOver:
    """The photographs of a journal; ``finish(remove)`` ends with it, and deletes it where it is not needed again."""

    photos: tuple[Restored, ...]
    finish: Callable[[bool], bool]


def find_abandoned(_monitor: Monitor) -> tuple[AbandonedJournal, ...]:
    """The journals of windows that have ended."""
    return abandoned_journals(journals_folder())


def take_over(journal: Journal, left: AbandonedJournal, monitor: Monitor) -> TakenOver:
    """Read what an earlier time has left; where that fails or is cancelled, it stays for the next start."""
    photos, finish = journal.take_over(left)
    try:
        return TakenOver(restore(photos, monitor), finish)
    except BaseException:
        finish(False)
        raise


def restore(photos: Sequence[PhotoRecord], monitor: Monitor) -> tuple[Restored, ...]:
    """The lines of the list that records make; a result that cannot be read is left out."""
    return tuple(_restored(photo, number, len(photos), monitor) for number, photo in enumerate(photos))


def _restored(photo: PhotoRecord, number: int, count: int, monitor: Monitor) -> Restored:
    monitor.step(Progress("Reading what was left", number, count))
    about, place, shape = None, photo.map, photo.photo.shape
    if place is not None and shape is not None:
        try:
            about = read_about(place)
        except (OSError, Malformed):
            about = None
    kept = kept_of(photo, about)
    load = partial(load_result, photo.photo.path, place, shape) if place and shape and kept.item.made_by else None
    return Restored(kept, load)


def load_result(path: Path, place: MapPlace, shape: tuple[int, int]) -> "tuple[Segmentation, Path]":
    """A kept result with its photograph.

    Raises
    ------
    InputError : the photograph cannot be read, or is another one now. OSError, Malformed : the result cannot be read.
    """
    from core.photo.reading import read_fundus

    found = result_from(read_result(place, shape), read_fundus(path))
    return found.segmentation, found.model_path


def files_of_result(path: Path, store: ResultStore) -> Mapping[str, bytes] | None:
    """The result of a photograph as the files in which it is kept; None where there is none any more."""
    result = store.get(path, keep=False)
    return None if result is None else result_members(result.segmentation, result.model_path)
