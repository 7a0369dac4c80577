"""Finding and opening photographs with their fields of view and labels, and their small pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from core.errors import FieldOfViewError, InputError
from core.files import display_path, file_stamp
from core.progress import Monitor, Progress
from core.session.packing import unpacked_bits
from core.strict import Malformed
from core.types import ByteArray, FieldOfView, FundusImage
from serr_gui.canvas.prepared import Prepared
from serr_gui.model.i18n import translate
from serr_gui.model.result_store import GONE, ResultStore, Stamp
from serr_gui.model.state import Document, FovChoice, PhotoItem
from serr_gui.tasks import comparing
from serr_gui.tasks.channel_views import thumbnail
from serr_gui.tasks.monitor import YieldingMonitor

if TYPE_CHECKING:
    from core.photo.finding import FolderPhotos

THUMBNAIL_PX: Final = 192


@dataclass(frozen=True, slots=True)
class FoundPhotos:
    """Photographs that belong to opened paths, and a sentence for each path that gave none.

    ``notes`` : what was left out of others. ``below`` : the opened folders whose sub-folders hold photographs that were
    not taken.
    """

    paths: tuple[Path, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    below: tuple[Path, ...] = ()


def photos_to_open(paths: Sequence[Path], monitor: Monitor, *, recursive: bool = False) -> FoundPhotos:
    """The photographs of files and folders (``core.photo.given``), and sentences on those that are not among them."""
    from core.photo.given import find_photos

    found = find_photos(paths, recursive=recursive, monitor=monitor)
    problems, notes, below = [], [], []
    for place in found.places:
        if place.problem:
            problems.append(place.problem)
            continue
        said = _what_was_left_out(place.found)
        if place.found.below.photos:
            below.append(place.path)
        name = display_path(place.path.name)
        if not place.found.photos:
            text = translate("Work", "There are no photographs in the folder {name}.")
            problems.append(" ".join([text.format(name=name), *said]))
        elif said:
            notes.append(f"{name}: {' '.join(said)}")
    if found.own_results:
        text = translate("Work", "{count} of the files are results beside their photographs, and were left out.")
        notes.append(text.format(count=found.own_results))
    return FoundPhotos(tuple(path.absolute() for path in found.photos), tuple(problems), tuple(notes), tuple(below))


def _what_was_left_out(inside: "FolderPhotos") -> list[str]:
    said = []
    if inside.inner is not None:
        text = translate("Work", "The photographs of its sub-folder {name} were opened.")
        said.append(text.format(name=display_path(inside.inner.name)))
    if inside.left_out.text:
        said.append(translate("Work", "Left out: {what}.").format(what=inside.left_out.text))
    if inside.below.text:
        said.append(translate("Work", "{what}, which were not opened.").format(what=inside.below.text))
    return said


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A document with the field of view that was taken for it, and sentences on what could not be used.

    ``stamp`` : that of the file as it was read; None where the photograph is the one of an earlier result.
    """

    document: Document
    fov: FovChoice
    notes: tuple[str, ...] = ()
    stamp: Stamp | None = None


def open_document(item: PhotoItem, folders: Sequence[Path | None], store: ResultStore, monitor: Monitor) -> Opened:
    """Read a photograph with its field of view and its experts' labels, and bring back its result if there is one.

    At the first time (``item.labels`` None) the labels and the mask that a person once chose, or that are next to the
    photograph, are looked for; ``folders`` are those that a person chose for each expert's labels.

    Raises
    ------
    InputError : the photograph cannot be read.
    """
    files, known = item.labels, None
    if files is None:
        monitor.step(Progress("Looking for labels"))
        files, known = comparing.files_of(item.path, folders)
    opened = read_photo(item, known, store, monitor)
    document = opened.document
    monitor.step(Progress("Reading labels"))
    slots = comparing.read_slots(files, document.image, document.fov)
    inside = document.fov.inside if document.fov is not None else None
    levels = document.result.live_levels if document.result is not None else None
    prepared, questionable = Prepared(document.image.rgb, inside, levels), _questionable(item, document.image)
    return replace(opened, document=replace(document, labels=slots, questionable=questionable, prepared=prepared))


def _questionable(item: PhotoItem, image: FundusImage) -> ByteArray | None:
    """What was painted as questionable; not where the photograph has another size now."""
    try:
        return unpacked_bits(item.questionable, image.shape).view(np.uint8) if item.questionable else None
    except Malformed:
        return None


def read_photo(item: PhotoItem, known: FovChoice | None, store: ResultStore, monitor: Monitor) -> Opened:
    """Read a photograph with its field of view, without labels.

    ``known`` was found beside it, or chosen at an earlier time, and counts where nobody has chosen since.

    Raises
    ------
    InputError : the photograph cannot be read.
    """
    from core.photo.reading import read_fundus

    path, choice = item.path, item.fov
    notes: tuple[str, ...] = ()
    monitor.step(Progress("Reading"))
    result, stamp = store.get(path), None
    if result is not None:  # with its own photograph: that the file has changed since is shown, and a person decides
        image = result.segmentation.image
    else:
        stamp = file_stamp(path) or GONE
        image = read_fundus(path)
    monitor.step(Progress("Finding the field of view"))
    if known is not None and choice == FovChoice():
        choice = known
    if result is not None and _same_choice(result.segmentation.fov, choice):
        return Opened(Document(path, image, result.segmentation.fov, "", result), choice, stamp=stamp)
    fov, problem = _field_of_view(image, choice)
    if problem and choice != item.fov:  # what is known does not fit
        notes, choice = (problem,), item.fov
        fov, problem = _field_of_view(image, choice)
    return Opened(Document(path, image, fov, problem, result), choice, notes, stamp)


def _same_choice(fov: FieldOfView, choice: FovChoice) -> bool:
    if choice.request == "estimated":
        # An estimate that finds no border says "full".
        return fov.origin in {"estimated", "full"} and fov.source is None
    if choice.request == "edited":
        return fov.origin == "edited" and FovChoice.edited(fov.inside) == choice
    return fov.origin == choice.request and (choice.request == "full" or fov.source == choice.file)


def _field_of_view(image: FundusImage, choice: FovChoice) -> tuple[FieldOfView | None, str]:
    try:
        return make_fov(image, choice), ""
    except FieldOfViewError as error:
        return None, str(error)


def make_fov(image: FundusImage, choice: FovChoice) -> FieldOfView:
    """The field of view that was chosen, with every doubt about it and about the photograph.

    Raises
    ------
    FieldOfViewError : none can be found, or the file does not fit.
    """
    from core.photo.photo_doubts import doubts_about

    fov = _chosen_fov(image, choice)
    return replace(fov, doubts=doubts_about(image, fov))


def _chosen_fov(image: FundusImage, choice: FovChoice) -> FieldOfView:
    if choice.request == "full":
        return FieldOfView.full(image.shape)
    if choice.request == "file" and choice.file is not None:
        from core.photo.fov_mask import read_fov_of

        return read_fov_of(choice.file, image)
    if choice.request == "edited":
        return _drawn_fov(image, choice)
    from core.photo.field_of_view import estimate_field_of_view

    return estimate_field_of_view(image)


def _drawn_fov(image: FundusImage, choice: FovChoice) -> FieldOfView:
    try:
        return FieldOfView(unpacked_bits(choice.drawn, image.shape), "edited")
    except (Malformed, ValueError) as error:
        text = translate("Work", "The field of view was drawn on a photograph of another size than {name}.")
        name = display_path(image.source.name) if image.source else ""
        raise FieldOfViewError(text.format(name=name)) from error


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture of a photograph; None where it cannot be read."""

    path: Path
    pixels: ByteArray | None


def make_thumbnails(paths: Sequence[Path], monitor: YieldingMonitor[Thumbnail]) -> None:
    """Deliver a ``Thumbnail`` for each path."""
    from core.photo.reading import read_fundus

    for path in paths:
        monitor.check()
        try:
            monitor.yield_result(Thumbnail(path, thumbnail(read_fundus(path), THUMBNAIL_PX)))
        except InputError:
            monitor.yield_result(Thumbnail(path, None))
