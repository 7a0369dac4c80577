"""Session files and journals in the campaign: sound ones, how they are read, and saving that is interrupted."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import InputError, OutputError, SerrError
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.masks.strokes import brush_step
from core.photo.reading import read_fundus
from core.progress import SILENT
from core.segmentation import Segmentation
from core.session.archive import PhotoContent, read_result, read_session, write_session
from core.session.journal import Journal, abandoned_journals
from core.session.journal_log import LOG, framed
from core.session.journal_state import entries_of, list_entry, steps_entry
from core.session.maps import result_from, result_members
from core.session.records import (
    EditsRecord,
    FovSetting,
    LabelRecord,
    PackedMask,
    PhotoRecord,
    PhotoRef,
    SessionRecord,
    StepRecord,
    ViewRecord,
)
from core.strict import Malformed
from core.threshold_rule import ThresholdRule

NAME: Final = "work.serr-session"
PHOTO: Final = "eye.png"


class Wrong(Exception):  # noqa: N818 - reads as what is raised
    """Something else came back than what was saved."""


@cache
def result(samples: Path) -> Segmentation:
    """What the small model finds in the small photograph."""
    from core.inference.options import InferenceOptions
    from core.models.catalogue import load_model
    from core.segment import segment_photo

    model = load_model(samples / "work" / "small.safetensors")
    return segment_photo(read_fundus(samples / "work" / PHOTO), model, options=InferenceOptions("cpu"))


def record(samples: Path, note: str = "old") -> PhotoRecord:
    """A photograph with everything that a session can hold of it."""
    found = result(samples)
    edits, steps = MaskEdits(found.probability.levels), []
    for number, code in enumerate((VESSEL, BACKGROUND, VESSEL)):
        step = brush_step((20.0, 20.0 + 5 * number), (40.0, 25.0 + 5 * number), 5.0)
        delta = edits.paint(step.top, step.left, step.pixels, code)
        assert delta is not None
        steps.append(StepRecord("Brush", delta))
    photo = samples / "work" / PHOTO
    label = LabelRecord("expert 1", samples / "label" / "label.png", {"file": str(samples / "label" / "label.png")})
    return PhotoRecord(
        PhotoRef(photo, found.image.sha256, found.image.shape),
        edits=EditsRecord(edits.packed(), (*steps, StepRecord("Threshold", None, "rule", [96], [70])), 4),
        rule=ThresholdRule(70),
        fov=FovSetting("edited"),
        fov_edited=PackedMask.of(found.fov.inside),
        questionable=PackedMask.of(edits.codes == BACKGROUND),
        labels=(label,),
        labels_known=True,
        model="small",
        note=note,
        seconds=12.5,
        view=ViewRecord(2.0, 20.0, 20.0),
    )


def write_sample(path: Path, samples: Path, note: str = "old", *, embed: bool = True) -> Path:
    """A session of two photographs, of which the second is neither there nor segmented."""
    photo = samples / "work" / PHOTO
    content = PhotoContent(
        result_members(result(samples), samples / "work" / "small.safetensors"), photo.read_bytes() if embed else None
    )
    other = PhotoRecord(PhotoRef(photo.with_name("other.png")))
    session = SessionRecord((record(samples, note), other), 0, "A. Nnotator")
    write_session(path, session, lambda index: content if index == 0 else PhotoContent())
    return path


def journal_log(samples: Path) -> bytes:
    """The log of a journal with that photograph and a stroke that came later."""
    one = record(samples)
    assert one.edits is not None
    entries = [list_entry((one.photo.path,), 0, "A. Nnotator"), *entries_of(one)]
    entries.append(steps_entry(one.photo.path, 0, 2, one.edits.steps[2:3], 3))
    return b"".join(map(framed, entries))


@contextmanager
def _own_folders(path: Path, samples: Path) -> Iterator[Path]:
    """Nothing outside this folder may be written, whatever a file says."""
    work = path.parent / "session work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    os.environ |= {"SERR_CONFIG_DIR": str(work / "config"), "SERR_MODELS": str(samples / "model")}
    before = set(path.parent.iterdir())
    yield work
    if set(path.parent.iterdir()) != before:
        raise Wrong("something was written outside its folder")


def read_damaged_session(path: Path, samples: Path) -> None:
    """As the window opens it, with its results loaded, and as ``serr session export`` and ``serr replay`` do."""
    from core.session.results import export_session, replay_session
    from serr_gui.tasks.sessions import open_session

    with _own_folders(path, samples) as work:
        journal = Journal(work / "journals")
        try:
            opened = open_session(path, journal, [], SILENT)
            _look_at([(one.kept.edits, one.load) for one in opened.photos])
        finally:
            journal.close()
        export_session(path, work / "out")
        for _outcome, again in replay_session(path)[1]:
            if again is not None and again.mask.vessel.shape != again.segmentation.image.shape:
                raise Wrong("a mask of another size than its photograph")


def _look_at(photos: list[tuple[object, Callable[[], tuple[Segmentation, Path]] | None]]) -> None:
    """Corrections fit their photograph, or the program says why not; results are numbers."""
    from serr_gui.model.result_store import KeptEdits

    for kept, load in photos:
        if isinstance(kept, KeptEdits):
            MaskEdits(np.zeros(kept.shape, np.uint8)).take_packed(kept.codes)
        if load is not None:
            with suppress(SerrError, OSError, Malformed):  # what the window takes as a result that is gone
                segmentation, _ = load()
                if not np.isfinite(segmentation.probability.values).all():
                    raise Wrong("a map that is not of numbers")


def read_damaged_journal(path: Path, samples: Path) -> None:
    """As the next start finds it and takes it over."""
    from serr_gui.tasks.keeping import restore

    with _own_folders(path, samples) as work:
        left = work / "journals" / "left"
        left.mkdir(parents=True)
        shutil.copy(path, left / LOG)
        whole = (left / LOG).read_bytes()
        for found in abandoned_journals(work / "journals"):
            journal = Journal(work / "journals")
            photos, finish = journal.take_over(found)
            _look_at([(one.kept.edits, one.load) for one in restore(photos, SILENT)])
            finish(False)
            if (left / LOG).read_bytes() != whole:
                raise Wrong("the journal that was left has changed")
            journal.close()
        if threading.active_count() > 1:
            raise Wrong("a thread of the journal is left")


# ------------------------------------------------------------------------------ a session that is saved to its own file


def prepare(folder: Path, samples: Path) -> None:
    shutil.copy(samples / "work" / PHOTO, folder / PHOTO)
    write_sample(folder / NAME, samples, embed=False)


def save_again(folder: Path, samples: Path) -> None:
    """Open a session and save it, with another note, to the file that its results come from."""
    from serr_gui.model.result_store import ResultStore
    from serr_gui.tasks.sessions import Saving, open_session, save_session

    os.environ["SERR_CONFIG_DIR"] = str(folder / "config")
    path = folder / NAME
    journal = Journal(folder / "config" / "journal")
    opened = open_session(path, journal, [], SILENT)
    store = ResultStore()
    for one in opened.photos:
        store.put_kept(one.kept.item.path, one.load, one.kept.edits, one.kept.history)
    photos = tuple(replace(one.kept.record, note="new", view=None, map=None) for one in opened.photos)
    segmented = frozenset(one.kept.item.path for one in opened.photos if one.load is not None)
    try:
        problems = save_session(Saving(path, SessionRecord(photos, 0, "A. Nnotator"), segmented, False), store, SILENT)
    finally:
        journal.close()
    if problems:
        raise OutputError(" ".join(problems))


def check(folder: Path, samples: Path) -> None:
    """The old or the new session is there, whole to the last byte of mask and map; saving it again ends well."""
    _check_whole(folder, samples, ("old", "new"))
    list(abandoned_journals(folder / "config" / "journal"))
    save_again(folder, samples)
    _check_whole(folder, samples, ("new",))


def _check_whole(folder: Path, samples: Path, notes: tuple[str, ...]) -> None:
    opened = read_session(folder / NAME)
    one, wanted = opened.record.photos[0], record(samples)
    if opened.problems or len(opened.record.photos) != 2 or one.note not in notes:
        raise Wrong(f"the session is {one.note}: {opened.problems}")
    if one.edits is None or wanted.edits is None or one.edits.codes is None or one.map is None:
        raise Wrong("corrections or result are gone")
    shape = result(samples).image.shape
    edits = [MaskEdits(np.zeros(shape, np.uint8)) for _ in range(2)]
    for hand, codes in zip(edits, (one.edits.codes, wanted.edits.codes or b""), strict=True):
        hand.take_packed(codes)
    if not np.array_equal(edits[0].codes, edits[1].codes) or len(one.edits.steps) != len(wanted.edits.steps):
        raise Wrong("the corrections are other ones")
    if one.questionable != wanted.questionable or one.fov_edited != wanted.fov_edited:
        raise Wrong("a layer is another one")
    try:
        kept = result_from(read_result(one.map, shape), read_fundus(folder / PHOTO))
    except (InputError, Malformed) as error:
        raise Wrong(f"the result is damaged: {error}") from error
    if kept.segmentation.probability.values.tobytes() != result(samples).probability.values.tobytes():
        raise Wrong("the map is another one")
