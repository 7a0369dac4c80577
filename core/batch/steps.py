"""What is done with one photograph of a batch: read, segmented and written, wherever that is.

Each step makes an outcome of what goes wrong with the photograph, and raises what would stop all others.
"""

import errno
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.batch.items import Item, Outcome
from core.batch.plan import Batch
from core.batch.published import Publisher
from core.batch.stores import StoreError, address_at, fetched, stamp
from core.claims import refuse_another
from core.errors import InputError, OutputError, SerrError
from core.files import display_path, ensure_folder, file_sha256
from core.models.deferred import loaded
from core.pipeline import Over
from core.progress import SILENT, Monitor
from core.results import Verdict, Wanted, corrected_by_hand, judge, left_over
from core.segment import Ahead, Place, made_ahead, read_inputs, segment_photo, write_results
from core.segmentation import Segmentation
from core.sidecar import SideCar, read_sidecar, sidecar_path
from core.types import FieldOfView, FundusImage

Done = tuple[Item, Outcome]

_FATAL: Final = frozenset(
    {
        errno.ENOSPC,
        errno.EFBIG,
        errno.EROFS,
        errno.EIO,
        getattr(errno, "EDQUOT", errno.ENOSPC),
        getattr(errno, "ESTALE", errno.EIO),
    }
)
"""The disk of the results is full, read-only or gone: the next photograph would meet the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A photograph that is read. ``fetched`` : what is in its place here is a copy of results in the store."""

    item: Item
    place: Place
    verdict: Verdict
    image: FundusImage
    fov: FieldOfView
    ahead: Ahead
    seen: tuple[int, int]
    seconds: float
    fetched: bool = False


class PhotoSteps:
    """The three steps of the pipeline.

    Parameters
    ----------
    monitor : asked while the network works.
    """

    def __init__(self, batch: Batch, wanted: Wanted, monitor: Monitor = SILENT) -> None:
        self._folder, self._options, self._wanted, self._monitor = batch.folder, batch.options, wanted, monitor
        self._publisher = Publisher(batch.store) if batch.store else None
        self._made: set[Path] = set()

    def read(self, item: Item) -> Ready | Over[Done]:
        started, seen = time.perf_counter(), _seen(item.path)
        try:
            with fetched(item.path):
                return self._read(item, started, seen)
        except (InputError, OutputError) as error:  # there is no such object, or no file here can have its name
            return Over((item, self._failed(item, error, seen)))

    def _read(self, item: Item, started: float, seen: tuple[int, int]) -> Ready | Over[Done]:
        name = Path(*item.place.split("/"))
        place = Place(item.path, name.name, self._folder / name.parent)
        published, before = False, None
        try:
            if place.folder not in self._made:
                ensure_folder(place.folder)
                self._made.add(place.folder)
            published = self._publisher is not None and self._publisher.take(item.place, place.folder)
            verdict = judge(
                place.photo, place.stem, place.folder, self._wanted, skip_existing=True, overwrite_edited=False
            )
            if verdict.skip:
                outcome = self._there_already(place, verdict, seen)
                if self._publisher is not None and outcome.state != "failed":
                    finish = self._publisher.forget if published else self._publisher.publish
                    finish(item.place, place.folder)
                return Over((item, outcome))
            before = self._seen_result(verdict, published)
            image, fov = read_inputs(place, self._wanted)
            image = replace(image, origin=address_at(item.path))
            refuse_another(place.folder, place.stem, image, way_out="")
            ahead = made_ahead(image, fov, self._wanted.model.card.preprocessing)
        except StoreError:
            raise
        except (SerrError, MemoryError) as error:
            outcome = self._failed(item, error, seen, before=before)
            self._drop(item, place, published)
            return Over((item, outcome))
        return Ready(item, place, verdict, image, fov, ahead, seen, time.perf_counter() - started, published)

    def _drop(self, item: Item, place: Place, published: bool) -> None:
        """Remove what was fetched of earlier results, where nothing comes of the photograph: the store keeps it."""
        if self._publisher is not None and published:
            self._publisher.forget(item.place, place.folder)

    def segment(self, ready: Ready) -> tuple[Ready, Segmentation] | Over[Done]:
        wanted = self._wanted
        try:
            found = segment_photo(
                ready.image,
                loaded(wanted.model),
                fov=ready.fov,
                ahead=ready.ahead,
                options=wanted.options,
                rule=wanted.rule,
                monitor=self._monitor,
            )
        except (SerrError, MemoryError) as error:
            return Over(self._without_result(ready, error))
        return ready, found

    def _without_result(self, ready: Ready, error: SerrError | MemoryError) -> Done:
        before = self._seen_result(ready.verdict, ready.fetched)
        outcome = self._failed(ready.item, error, ready.seen, ready.image.sha256, before=before)
        self._drop(ready.item, ready.place, ready.fetched)
        return ready.item, outcome

    def write(self, made: tuple[Ready, Segmentation]) -> Done:
        ready, found = made
        started = time.perf_counter()
        try:
            done = write_results(found, ready.place, self._wanted, ready.verdict)
            left = self._left(ready)
            if self._publisher is not None:
                self._publisher.publish(ready.item.place, ready.place.folder)
        except StoreError:
            raise
        except (SerrError, MemoryError) as error:
            return self._without_result(ready, error)
        outcome = Outcome(
            "done",
            reason=" ".join(filter(None, (f"Made again: {done.again}" if done.again else "", left))),
            sha256=found.image.sha256 or "",
            threshold=done.threshold,
            vessel_share=done.vessel_share,
            doubts=tuple(doubt.text for doubt in done.doubts),
            seconds=round(ready.seconds + found.seconds + time.perf_counter() - started, 4),
            outputs=tuple(path.name for path in done.files.values()),
            style=done.style,
        )
        return ready.item, self._stamped(outcome, ready.seen)

    def _seen_result(self, verdict: Verdict, published: bool) -> SideCar | None:
        """The earlier result where its user finds it: not one that a killed run left here on its way to a store."""
        return verdict.before if published or self._publisher is None else None

    def _left(self, ready: Ready) -> str:
        """The sentence on files of an earlier result that the new one does not have, such as of other options.

        In a store they stay, as they do in a folder of results; their copies here go, before the new side-car is
        published: after a kill the older one still names them.
        """
        before, folder = ready.verdict.before, ready.place.folder
        names = () if before is None else left_over(before, folder, ready.place.stem)
        if before is None or not names:
            return ""
        if self._publisher is not None:
            for name in names:
                (folder / name).unlink(missing_ok=True)
            if not ready.fetched:  # never published
                return ""
        return f"Left from an earlier result ({before.model}): {', '.join(display_path(name) for name in names)}."

    def _there_already(self, place: Place, verdict: Verdict, seen: tuple[int, int]) -> Outcome:
        """Results that are on the disk: of a run that was killed before it wrote that down, or corrected by hand."""
        by_hand = corrected_by_hand(place.folder, place.stem)
        path = sidecar_path(place.folder, place.stem)
        if not path.exists():
            return self._stamped(Outcome("failed", verdict.skip), seen)
        try:
            outcome = _of_sidecar(read_sidecar(path), place.photo)
        except InputError:  # the program was ended while it wrote a mask that was corrected by hand
            outcome = Outcome("kept")
        return self._stamped(replace(outcome, state="kept" if by_hand else "done", reason=by_hand), seen)

    def _failed(
        self,
        item: Item,
        error: SerrError | MemoryError,
        seen: tuple[int, int],
        sha256: str | None = None,
        *,
        before: SideCar | None = None,
    ) -> Outcome:
        if isinstance(error, OutputError) and isinstance(error.__cause__, OSError) and error.__cause__.errno in _FATAL:
            raise error
        memory = f"There is not enough memory for {display_path(item.path.name)}. Close other programs."
        kept = f" An earlier result ({before.model}) is still there." if before is not None else ""
        outcome = Outcome("failed", f"{str(error) or memory}{kept}", sha256=sha256 or file_sha256(item.path) or "")
        return self._stamped(outcome, seen)

    def _stamped(self, outcome: Outcome, seen: tuple[int, int]) -> Outcome:
        return replace(
            outcome,
            size=seen[0],
            changed_ns=seen[1],
            options=self._options.sha256,
            model=self._options.model_name,
        )


def _of_sidecar(sidecar: SideCar, photo: Path) -> Outcome:
    """What a result says about itself. Values that are not there stay out."""
    mask, doubts = sidecar.record.get("mask"), sidecar.record.get("doubts")
    share = mask.get("share_of_field_of_view") if isinstance(mask, dict) else None
    texts = [each.get("text") for each in doubts if isinstance(each, dict)] if isinstance(doubts, list) else []
    now = file_sha256(photo)
    if now is not None and sidecar.photo_sha256 not in {None, now}:
        texts.append("The photograph has changed since this result was made.")
    return Outcome(
        "done",
        sha256=now or sidecar.photo_sha256 or "",
        threshold=sidecar.rule.threshold,
        vessel_share=float(share) if isinstance(share, int | float) else None,
        doubts=tuple(text for text in texts if isinstance(text, str)),
        outputs=(*sidecar.files.values(), sidecar.path.name),
        style=sidecar.rule.style,
    )


def _seen(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a photograph, -1 where it is not there."""
    return stamp(path) or (-1, -1)
