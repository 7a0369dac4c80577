"""Writing session files, and opening them."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import InputError, OutputError
from core.files import display_path, private_folder, write_bytes_atomic
from core.photo.reading import is_photo_path
from core.progress import Monitor, Progress
from core.session.archive import OpenedSession, PhotoContent, read_embedded, read_session, write_session
from core.session.journal import Journal
from core.session.places import PhotoFinder
from core.session.records import MapPlace, PhotoRecord, SessionRecord, ViewRecord
from core.strict import Malformed
from serr_gui.model.i18n import translate
from serr_gui.model.result_store import ResultStore
from serr_gui.model.settings import config_folder
from serr_gui.tasks.keeping import Restored, files_of_result, restore


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPhotos:
    """A session that was opened: its photographs where they are now, and sentences on what is missing.

    ``current`` : the photograph that was on the screen, and ``view`` where it was looked at.
    """

    path: Path
    photos: tuple[Restored, ...]
    current: Path | None
    view: ViewRecord | None
    observer: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Saving:
    """What to save and where: the records, which photographs are segmented, and whether their own files go in, too."""

    path: Path
    session: SessionRecord
    with_result: frozenset[Path]
    embed: bool


def save_session(saving: Saving, store: ResultStore, monitor: Monitor) -> tuple[str, ...]:
    """Write a session file; sentences on what could not be put into it.

    Raises
    ------
    OutputError : it cannot be written.
    """
    problems: list[str] = []

    def content(index: int) -> PhotoContent:
        photo = saving.session.photos[index].photo
        result = files_of_result(photo.path, store) if photo.path in saving.with_result else None
        name = display_path(photo.path.name)
        if result is None and photo.path in saving.with_result:
            problems.append(translate("Work", "The result of {name} is no longer available.").format(name=name))
        data = None
        if saving.embed:
            try:
                data = photo.path.read_bytes()
            except OSError:
                problems.append(translate("Work", "{name} could not be read to be embedded.").format(name=name))
        return PhotoContent(result, data)

    write_session(saving.path, saving.session, content, monitor)
    return tuple(problems)


def open_session(path: Path, journal: Journal, brought: list[MapPlace], monitor: Monitor) -> OpenedPhotos:
    """Read a session, find its photographs, and take its results over into the journal.

    ``brought`` gets these results, for ``Journal.discard_results`` where nothing comes of it.

    Raises
    ------
    InputError : it is not a session, or of a newer version.
    """
    opened = read_session(path)
    finder = PhotoFinder(path.absolute().parent)
    count = len(opened.record.photos)
    missing: list[str] = []
    photos: list[PhotoRecord] = []
    for number in range(count):
        monitor.step(Progress("Looking for photographs", number, count))
        photos.append(_here(opened, number, finder, journal, missing))
        place = photos[-1].map
        if place is not None:
            brought.append(place)
    problems = list(opened.problems)
    if missing:
        text = translate("Work", "Not found where they were, nor next to the session: {names}.")
        problems.append(text.format(names=", ".join(missing[:5]) + ("..." if len(missing) > 5 else "")))
    current = opened.record.current
    chosen = photos[current] if 0 <= current < count else None
    return OpenedPhotos(
        path,
        restore(photos, monitor),
        chosen.photo.path if chosen is not None else None,
        chosen.view if chosen is not None else None,
        opened.record.observer,
        tuple(problems),
    )


def _here(opened: OpenedSession, number: int, finder: PhotoFinder, journal: Journal, missing: list[str]) -> PhotoRecord:
    """A photograph where it is now, with its result in the journal."""
    record = opened.record.photos[number]
    place = finder.find(record.photo, opened.relative[number])
    path = place.path
    unpacked = None
    if place.found in {"missing", "changed"} and number in opened.embedded:
        unpacked = _unpacked(opened, number)
    if unpacked is not None:
        path = unpacked
    elif place.found == "missing":
        missing.append(display_path(record.photo.path.name))
    record = replace(record, photo=replace(record.photo, path=path), unsaved=False)
    if record.map is not None and record.photo.shape is not None:
        try:
            return replace(record, map=journal.import_result(record.map, record.photo.shape))
        except Malformed:
            return replace(record, map=None)
        except (OSError, OutputError):  # the journal says so itself; meanwhile it stays in the session
            return record
    return record


def _unpacked(opened: OpenedSession, number: int) -> Path | None:
    """An embedded photograph as a file of the program's own folder; None where it is damaged, or another one.

    The folder's name is made of the bytes: what a session says, anybody may have written, and it could lead elsewhere.
    """
    photo = opened.record.photos[number].photo
    try:
        data = read_embedded(opened.path, opened.embedded[number])
        digest = hashlib.sha256(data).hexdigest()
        if photo.sha256 is not None and photo.sha256 != digest:
            return None
        folder = private_folder(config_folder() / "embedded" / digest[:16])
        path = folder / (photo.path.name if is_photo_path(photo.path) else "photograph.png")
        write_bytes_atomic(path, data, private=True)
    except (OSError, OutputError, Malformed, InputError):
        return None
    return path
