"""The chain for many photographs, as ``serr segment`` runs it: reading, network and writing at the same time."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.claims import other_name
from core.errors import SerrError
from core.export import ExportChoices
from core.files import display_path, ensure_folder
from core.inference.options import InferenceOptions
from core.models.deferred import KnownModel, loaded
from core.photo.sibling_files import FovOption, mask_folder, output_stems
from core.pipeline import Over, run_pipeline
from core.progress import SILENT, Cancelled, Monitor, Progress, part_of
from core.results import Verdict, Wanted, judge
from core.segment import Ahead, BatchItem, Place, files_of, made_ahead, read_inputs, segment_photo, write_results
from core.segmentation import Segmentation
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, FundusImage

_AUTOMATIC = InferenceOptions()
_EVERYTHING = ExportChoices()


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of each photograph of a batch. ``failed`` and ``skipped`` say why, in a sentence."""

    done: tuple[BatchItem, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[tuple[Path, str], ...]


class BatchCancelled(Cancelled):
    """A batch was ended by the user: ``report`` has what had become of its photographs until then."""

    def __init__(self, report: BatchReport) -> None:
        super().__init__()
        self.report = report


def segment_files(
    paths: Sequence[Path],
    out_dir: Path,
    model: KnownModel,
    *,
    fov: FovOption = "auto",
    options: InferenceOptions = _AUTOMATIC,
    rule: ThresholdRule | None = None,
    export: ExportChoices = _EVERYTHING,
    skip_existing: bool = False,
    overwrite_edited: bool = False,
    overwrite: bool = False,
    finished: Callable[[BatchItem], None] | None = None,
    monitor: Monitor = SILENT,
) -> BatchReport:
    """Find the vessels in photographs and write the results.

    A photograph that cannot be used does not stop the others. Results are called by the stems that ``output_stems``
    gives for ``paths``. A mask that a hand has changed since, here or in another program, is left as it is. While the
    network works on a photograph the next two are read and the last ones written.

    Parameters
    ----------
    paths : the photographs; one that is listed twice is done once.
    out_dir : folder for the results; made where it is missing.
    model : one that is not loaded yet (``DeferredModel``) is loaded while the first photographs are read.
    fov : where the fields of view come from.
    export : what is written.
    skip_existing : leave photographs alone that have every result that would be written, made as it would be now; of
        the others the report says why they were made again (``core.results``).
    overwrite_edited : write over masks that a hand has changed, too.
    overwrite : write over files of which no side-car says whose they are, too.
    finished : called with each photograph, in their order, as soon as its results are written.
    monitor : called in the thread of the caller alone.

    Raises
    ------
    OutputError : the folder cannot be used at all.
    WeightsError : the model cannot be loaded.
    BatchCancelled : by the monitor; what is finished stays written.
    """
    is_new = not out_dir.exists()
    ensure_folder(out_dir)
    wanted = Wanted(model, options, rule or model.card.rule, mask_folder(fov), export)
    run = _Run(
        paths,
        out_dir,
        wanted,
        skip_existing=skip_existing,
        overwrite_edited=overwrite_edited,
        overwrite=overwrite,
        finished=finished,
        monitor=monitor,
    )
    try:
        run.run()
    except Cancelled:
        raise BatchCancelled(run.report()) from None
    finally:
        if is_new and not run.done:
            with suppress(OSError):  # something else may have come into it
                out_dir.rmdir()
    return run.report()


class _Notes:
    """Keeps what another thread has to say until it is its photograph's turn."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        self._notes.append(message)

    def tell(self, monitor: Monitor) -> None:
        for note in self._notes:
            monitor.note(note)
        self._notes.clear()


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A photograph that is read."""

    place: Place
    verdict: Verdict
    image: FundusImage
    fov: FieldOfView
    ahead: Ahead
    notes: _Notes


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """What became of a photograph: an item, or why it was skipped or failed."""

    path: Path
    notes: _Notes
    item: BatchItem | None = None
    skipped: str = ""
    failed: str = ""


class _Run:
    """One run over photographs."""

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        wanted: Wanted,
        *,
        skip_existing: bool,
        overwrite_edited: bool,
        overwrite: bool,
        finished: Callable[[BatchItem], None] | None,
        monitor: Monitor,
    ) -> None:
        self._stems, self._usual, self._files = output_stems(paths, folder), output_stems(paths), files_of(paths)
        self._folder, self._wanted, self._finished, self._monitor = folder, wanted, finished, monitor
        self._skip_existing, self._overwrite_edited = skip_existing, overwrite_edited
        self._overwrite = overwrite
        self._turn = -1
        self.done: list[BatchItem] = []
        self._failed: list[tuple[Path, str]] = []
        self._skipped: list[tuple[Path, str]] = []

    def run(self) -> None:
        run_pipeline(
            self._stems, self._read, self._segment, self._write, self._finish, kept=self._finish, between=self._next
        )

    def report(self) -> BatchReport:
        return BatchReport(tuple(self.done), tuple(self._failed), tuple(self._skipped))

    def _part(self) -> Monitor:
        """The monitor of the photograph whose turn it is."""
        path = list(self._stems)[self._turn]
        name = display_path(path.name) if len(self._stems) > 1 else ""
        return part_of(self._monitor, self._turn, len(self._stems), name)

    def _next(self) -> None:
        self._turn += 1
        self._part().step(Progress("Reading the photograph"))
        if not self._skip_existing:  # else there may be nothing to do for it
            loaded(self._wanted.model)

    def _read(self, path: Path) -> _Ready | Over[_Done]:
        place, notes = Place(path, self._stems[path], self._folder), _Notes()
        try:
            verdict = judge(
                path,
                place.stem,
                self._folder,
                self._wanted,
                skip_existing=self._skip_existing,
                overwrite_edited=self._overwrite_edited,
            )
            if verdict.skip:
                return Over(_Done(path, notes, skipped=verdict.skip))
            if place.stem != self._usual[path]:
                notes.note(other_name(path, place.stem, self._usual[path], self._folder))
            if verdict.again:
                notes.note(f"{display_path(path.name)} is done again: {verdict.again}")
            image, fov = read_inputs(place, self._wanted, read=self._files, overwrite=self._overwrite)
            ahead = made_ahead(image, fov, self._wanted.model.card.preprocessing)
        except (SerrError, MemoryError) as error:
            return Over(_Done(path, notes, failed=_sentence(path, error)))
        return _Ready(place, verdict, image, fov, ahead, notes)

    def _segment(self, ready: _Ready) -> tuple[_Ready, Segmentation] | Over[_Done]:
        ready.notes.tell(self._monitor)
        wanted, part, model = self._wanted, self._part(), loaded(self._wanted.model)
        try:
            found = segment_photo(
                ready.image,
                model,
                fov=ready.fov,
                ahead=ready.ahead,
                options=wanted.options,
                rule=wanted.rule,
                doubt=wanted.export.doubt,
                monitor=part,
            )
            part.step(Progress("Writing the results"))
        except (SerrError, MemoryError) as error:
            return Over(_Done(ready.place.photo, ready.notes, failed=_sentence(ready.place.photo, error)))
        return ready, found

    def _write(self, made: tuple[_Ready, Segmentation]) -> _Done:
        ready, found = made
        path = ready.place.photo
        named = part_of(ready.notes, 0, 1, display_path(path.name) if len(self._stems) > 1 else "")
        try:
            item = write_results(
                found, ready.place, self._wanted, ready.verdict, overwrite=self._overwrite, monitor=named
            )
        except (SerrError, MemoryError) as error:
            return _Done(path, ready.notes, failed=_sentence(path, error))
        return _Done(path, ready.notes, item)

    def _finish(self, done: _Done) -> None:
        done.notes.tell(self._monitor)
        if done.item is not None:
            self.done.append(done.item)
            if self._finished is not None:
                self._finished(done.item)
        elif done.skipped:
            self._skipped.append((done.path, done.skipped))
        else:
            self._failed.append((done.path, done.failed))
            self._monitor.note(done.failed)


def _sentence(path: Path, error: SerrError | MemoryError) -> str:
    return str(error) or f"There is not enough memory for {display_path(path.name)}. Close other programs."
