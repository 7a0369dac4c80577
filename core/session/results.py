"""The masks of a session: written as files, and made again to see that they are the same."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import InputError, SerrError, WeightsError
from core.export import ExportChoices, export_segmentation
from core.files import display_path, ensure_folder
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.models.catalogue import list_models, load_model
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fundus
from core.photo.sibling_files import output_stems
from core.progress import SILENT, Monitor, Progress
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.session.archive import OpenedSession, read_embedded, read_result, read_session
from core.session.maps import about_result, result_from
from core.session.places import PhotoFinder
from core.session.records import PhotoRecord
from core.sidecar import Annotation
from core.strict import Malformed
from core.types import FundusImage, PhotoMarks, VesselMask

_EVERYTHING = ExportChoices()


@dataclass(frozen=True, slots=True, eq=False)
class SessionMask:
    """A photograph of a session with its result, and the mask as it was left: corrected, at the threshold of then.

    ``notes`` : what a person should know. ``has_photo`` : whether its own photograph is there; where it is not, the
    pixels of the result's photograph are black.
    """

    record: PhotoRecord
    segmentation: Segmentation
    mask: VesselMask
    annotation: Annotation
    has_photo: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SessionOutcome:
    """What became of a photograph of a session.

    ``problem`` : why there is no mask, a sentence. ``files`` : what was written, by kind. ``identical`` : whether the
    mask that was made again is the one of the session; None where that was not asked.
    """

    path: Path
    problem: str = ""
    files: dict[str, Path] | None = None
    identical: bool | None = None
    notes: tuple[str, ...] = ()


def export_session(
    path: Path, out_dir: Path, choices: ExportChoices = _EVERYTHING, monitor: Monitor = SILENT
) -> tuple[OpenedSession, tuple[SessionOutcome, ...]]:
    """Write the masks of a session as they were left, with maps, overlays and side-cars; no network is run.

    An overlay needs the photograph: where that is not there, or has changed, it is left out and a note says so.

    Raises
    ------
    InputError : it is not a session. OutputError : the folder cannot be used.
    """
    session = read_session(path)
    folder = ensure_folder(Path(out_dir))
    stems = output_stems([photo.photo.path for photo in session.record.photos], folder, by_content=False)
    outcomes = []
    for record, found in _masks(session, monitor):
        if isinstance(found, str):
            outcomes.append(SessionOutcome(record.photo.path, found))
            continue
        kinds = choices if found.has_photo else replace(choices, overlay=False)
        try:
            files = export_segmentation(
                replace(found.segmentation, mask=found.mask),
                folder,
                stems[record.photo.path],
                kinds,
                mask=found.mask,
                annotation=found.annotation,
                questionable=record.questionable.mask if record.questionable is not None else None,
            )
        except SerrError as error:
            outcomes.append(SessionOutcome(record.photo.path, str(error)))
        else:
            outcomes.append(SessionOutcome(record.photo.path, "", files, notes=found.notes))
    return session, tuple(outcomes)


def masks_of_session(
    path: Path, monitor: Monitor = SILENT
) -> tuple[OpenedSession, Iterator[tuple[PhotoRecord, "SessionMask | str"]]]:
    """The photographs of a session in turn, each with its mask as it was left, or the reason why there is none.

    Raises
    ------
    InputError : it is not a session.
    """
    session = read_session(path)
    return session, _masks(session, monitor)


def replay_session(
    path: Path, monitor: Monitor = SILENT
) -> tuple[OpenedSession, Iterator[tuple[SessionOutcome, SessionMask | None]]]:
    """Run the networks of a session again on its photographs, lay the corrections over, and compare the masks.

    Raises
    ------
    InputError : it is not a session.
    """
    session = read_session(path)
    return session, _replayed(session, monitor)


def _replayed(session: OpenedSession, monitor: Monitor) -> Iterator[tuple[SessionOutcome, SessionMask | None]]:
    models: dict[str, LoadedModel] = {}
    for record, found in _masks(session, monitor):
        if isinstance(found, str):
            yield SessionOutcome(record.photo.path, found), None
            continue
        try:
            again = _made_again(found, models, monitor)
        except SerrError as error:
            yield SessionOutcome(record.photo.path, str(error)), None
            continue
        identical = np.array_equal(again.mask.vessel, found.mask.vessel)
        yield SessionOutcome(record.photo.path, "", None, identical, found.notes), again


def _made_again(found: SessionMask, models: dict[str, LoadedModel], monitor: Monitor) -> SessionMask:
    before = found.segmentation
    if not found.has_photo:
        raise InputError(f"{found.notes[0]} Without it nothing can be made again.")
    if before.model_sha256 not in models:
        entry = next((one for one in list_models() if one.card.sha256 == before.model_sha256), None)
        if entry is None:
            raise WeightsError(
                f"The model {before.card.name} (SHA-256 {before.model_sha256[:12]}...) is not among the models here: "
                "add it."
            )
        models[before.model_sha256] = load_model(entry.path)
    model, then = models[before.model_sha256], before.card
    model = replace(model, card=replace(model.card, preprocessing=then.preprocessing, scaling=then.scaling))
    again = segment_photo(
        before.image, model, fov=before.fov, options=before.options, rule=before.mask.rule, monitor=monitor
    )
    return _with_mask(found.record, again, has_photo=True, notes=found.notes)


def _masks(session: OpenedSession, monitor: Monitor) -> Iterator[tuple[PhotoRecord, "SessionMask | str"]]:
    """The photographs in turn, each with its mask or the reason why there is none."""
    finder = PhotoFinder(session.path.absolute().parent)
    count = len(session.record.photos)
    for number, record in enumerate(session.record.photos):
        monitor.step(Progress("Reading the session", number, count))
        name = display_path(record.photo.path.name)
        try:
            yield record, _mask(session, number, finder)
        except (InputError, OSError) as error:
            yield record, str(error)
        except Malformed as error:
            yield record, f"The result of {name} is damaged: {error}."


def _mask(session: OpenedSession, number: int, finder: PhotoFinder) -> SessionMask:
    record = session.record.photos[number]
    photo, name = record.photo, display_path(record.photo.path.name)
    if record.map is None or photo.shape is None:
        raise InputError(f"{name} is not segmented.")
    members = read_result(record.map, photo.shape)
    place = finder.find(photo, session.relative[number])
    notes: tuple[str, ...] = ()
    if place.found in {"there", "moved"}:
        image = read_fundus(place.path)
    elif number in session.embedded:
        image = _embedded(session, session.embedded[number], photo.path)
    else:
        why = "has changed since" if place.found == "changed" else "is not there"
        notes = (f"The photograph {name} {why}: it is needed for its overlay, which is left out.",)
        depth = about_result(members)["photograph"].get("bit_depth", 8)
        black = np.zeros((*photo.shape, 3), np.uint8)
        image = FundusImage(black, photo.path, bit_depth=16 if depth == 16 else 8, sha256=photo.sha256)
    found = result_from(members, image).segmentation
    return _with_mask(record, found, has_photo=not notes, notes=notes, observer=session.record.observer)


def _embedded(session: OpenedSession, member: str, path: Path) -> FundusImage:
    with tempfile.TemporaryDirectory(prefix="serr-") as folder:
        file = Path(folder, "photograph").with_suffix(Path(member).suffix)
        file.write_bytes(read_embedded(session.path, member))
        return replace(read_fundus(file), source=path)


def _with_mask(
    record: PhotoRecord, found: Segmentation, *, has_photo: bool, notes: Sequence[str], observer: str = ""
) -> SessionMask:
    edits, codes = MaskEdits(found.probability.levels), record.edits.codes if record.edits else None
    if codes is not None:
        edits.take_packed(codes)
    counts = np.bincount(edits.codes.ravel(), minlength=VESSEL + 1)
    annotation = Annotation(
        PhotoMarks(record.done, record.doubtful, record.note, record.seconds),
        int(counts[VESSEL]),
        int(counts[BACKGROUND]),
        record.edits.strokes if record.edits else 0,
        observer,
    )
    mask = edits.mask(record.rule or found.mask.rule)
    return SessionMask(record, found, mask, annotation, has_photo, tuple(notes))
