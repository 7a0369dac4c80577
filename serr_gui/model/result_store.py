"""Results of many photographs within bounded memory, so that no work is lost by looking at the next one.

The least recently used results move to files in the user's cache folder and come back when their photograph is opened
again, bit for bit. The files are removed when the program ends; those of a program that was killed, after a week.
"""

import os
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.errors import SerrError
from core.files import output_error
from core.masks.edits import MaskEdits
from core.masks.threshold import apply_threshold
from core.strict import Malformed
from core.types import FieldOfView, FundusImage, ProbabilityMap
from serr_gui.model.editing import EditHistory
from serr_gui.model.result import Result
from serr_gui.model.settings import APP_NAME

if TYPE_CHECKING:
    from core.segmentation import Segmentation

MEMORY_BYTES: Final = 1 << 30
_ABANDONED_S: Final = 7 * 24 * 3600
_ARRAYS = frozenset({"image", "fov", "probability", "mask"})

Stamp = tuple[int, int]
"""Of a photograph's file (``core.files.file_stamp``), which tells whether it is still the one that was segmented."""
GONE: Stamp = (-1, -1)


def cache_folder() -> Path:
    """``SERR_CACHE_DIR``, or else the platform's place for a user's passing files."""
    chosen = os.environ.get("SERR_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path(APP_NAME, appauthor=False)


@dataclass(frozen=True, slots=True)
class KeptEdits:
    """Corrections by hand apart from the result that they were made on: of which pixels, and the packed codes.

    ``sha256`` is the hash of the photograph's bytes, ``shape`` its height and width.
    """

    sha256: str | None
    shape: tuple[int, int]
    codes: bytes

    @classmethod
    def of(cls, result: Result) -> "KeptEdits | None":
        """Those of a result; None where it has none."""
        if not result.edits:
            return None
        return cls(result.segmentation.image.sha256, result.edits.shape, result.edits.packed())


Load = Callable[[], "tuple[Segmentation, Path]"]
"""Reads a result of an earlier time, with the weights file that made it. Raises SerrError, OSError or Malformed."""


@dataclass(slots=True)
class _Entry:
    n_bytes: int
    result: Result | None
    folder: Path | None = None
    facts: dict[str, Any] | None = None
    edits: "KeptEdits | None" = None
    result_facts: dict[str, Any] | None = None
    load: "Load | None" = None


class ResultStore:
    """Results by photograph. May be used from several threads; ``get`` and ``spill`` touch the disk."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self.memory_bytes = memory_bytes
        self._entries: OrderedDict[Path, _Entry] = OrderedDict()
        self._histories: dict[Path, EditHistory] = {}
        self._former: OrderedDict[tuple[Path, Path], Segmentation] = OrderedDict()
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def put(self, path: Path, result: Result) -> None:
        """Keep a result in place of an older one of the same photograph; the steps of Undo stay.

        One that another model made is kept for Undo while there is room (``former``).
        """
        with self._lock:
            entry = self._entries.get(path)
            old = entry.result if entry is not None else None
            if old is not None and old.model_path != result.model_path:
                self._former[path, old.model_path] = old.segmentation
            self._former.pop((path, result.model_path), None)
        self._drop(path)
        with self._lock:
            self._entries[path] = _Entry(_n_bytes(result), result)

    def former(self, path: Path, model_path: Path) -> "Segmentation | None":
        """What another model had found in a photograph; None where that is not kept."""
        with self._lock:
            return self._former.get((path, model_path))

    def put_kept(self, path: Path, load: Load | None, edits: KeptEdits | None, history: EditHistory) -> None:
        """Keep what an earlier time has left: a result that is read when it is asked for, and its corrections."""
        self.forget(path)
        with self._lock:
            self._entries[path] = _Entry(0, None, edits=edits, load=load)
            self._histories[path] = history

    def is_kept(self, path: Path) -> bool:
        """Whether a result is there, in memory or to be read."""
        with self._lock:
            entry = self._entries.get(path)
            return entry is not None and (entry.result or entry.folder or entry.load) is not None

    def renew(self, path: Path, result: Result) -> None:
        """Keep a result with other corrections in place of the one with the same map; its history stays."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is not None:
                entry.result, entry.edits, entry.n_bytes = result, None, _n_bytes(result)

    def edits(self, path: Path) -> KeptEdits | None:
        """The corrections of a photograph, also where its result has left the memory, or is lost."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is None:
                return None
            result, kept = entry.result, entry.edits
        return kept if result is None else KeptEdits.of(result)

    def corrected(self, path: Path) -> Result | KeptEdits | None:
        """What holds the corrections of a photograph: another object after each change. None: none are."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is None:
                return None
            return entry.edits if entry.result is None else entry.result if entry.result.edits else None

    def history(self, path: Path) -> EditHistory:
        """The steps of Undo of a photograph."""
        with self._lock:
            return self._histories.setdefault(path, EditHistory())

    def keep_history(self, path: Path, history: EditHistory) -> None:
        """Put other steps in the place of those of a photograph."""
        with self._lock:
            self._histories[path] = history

    def has(self, path: Path) -> bool:
        with self._lock:
            return path in self._entries

    def in_memory(self, path: Path) -> Result | None:
        """The result where it is at hand, with the photograph that was segmented, whatever became of its file."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is None or entry.result is None:
                return None
            self._entries.move_to_end(path)
            return entry.result

    def get(self, path: Path, image: FundusImage | None = None, *, keep: bool = True) -> Result | None:
        """The result of a photograph with the pixels that were segmented, from memory or from the cache.

        With ``keep`` what came from the cache stays in memory, too. None where there is none, or where it was made of
        other bytes than ``image``.
        """
        with self._lock:
            entry = self._entries.get(path)
            if entry is None:
                return None
            self._entries.move_to_end(path)
            result = entry.result
        if result is None:
            result = self._read_back(entry)
        if result is not None and image is not None and result.segmentation.image.sha256 != image.sha256:
            return None
        if result is not None and keep:
            with self._lock:
                if entry.result is None:
                    entry.result, entry.n_bytes = result, _n_bytes(result)
                result = entry.result
        return result

    def forget(self, path: Path) -> None:
        """Drop a result, in memory and on the disk, and the steps of Undo."""
        with self._lock:
            self._histories.pop(path, None)
            for key in [key for key in self._former if key[0] == path]:
                del self._former[key]
        self._drop(path)

    def _drop(self, path: Path) -> None:
        with self._lock:
            entry = self._entries.pop(path, None)
        if entry is not None and entry.folder is not None:
            shutil.rmtree(entry.folder, ignore_errors=True)

    def forget_map(self, path: Path) -> None:
        """Drop a result whose files are gone, but for corrections by hand: they wait for the next run of a network."""
        with self._lock:
            entry = self._entries.get(path)
            if entry is not None and entry.edits is not None:
                entry.result = entry.facts = entry.result_facts = entry.folder = entry.load = None
                return
        self._drop(path)

    def overflow(self, keep: Path | None = None) -> tuple[Path, ...]:
        """The results that should leave the memory, the least recently used first; never ``keep``.

        Those that are kept for Undo alone are dropped before.
        """
        with self._lock:
            held = [(path, entry) for path, entry in self._entries.items() if entry.result is not None]
            excess = sum(entry.n_bytes for _, entry in held) - self.memory_bytes
            excess += sum(_own_bytes(found) for found in self._former.values())
            while excess > 0 and self._former:
                excess -= _own_bytes(self._former.popitem(last=False)[1])
            out = []
            for path, entry in held:
                if excess <= 0:
                    break
                if path != keep:
                    out.append(path)
                    excess -= entry.n_bytes
            return tuple(out)

    def spill(self, path: Path) -> None:
        """Move a result from memory to the disk. It stays in memory where that fails.

        Raises
        ------
        OutputError : the cache folder is full or cannot be written to.
        """
        with self._lock:
            entry = self._entries.get(path)
            if entry is None or entry.result is None:
                return
            result, folder = entry.result, entry.folder
        if folder is None:
            folder = self._new_folder()
            try:
                folder.mkdir(mode=0o700, parents=True)
                np.save(folder / "values.npy", result.segmentation.probability.values, allow_pickle=False)
                np.save(folder / "inside.npy", result.segmentation.fov.inside, allow_pickle=False)
                np.save(folder / "rgb.npy", result.segmentation.image.rgb, allow_pickle=False)
            except OSError as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise output_error(folder, error) from error
        with self._lock:
            if self._entries.get(path) is not entry:  # replaced meanwhile
                shutil.rmtree(folder, ignore_errors=True)
                return
            result = entry.result or result  # it may have been corrected meanwhile
            segmentation = result.segmentation
            entry.facts = {f.name: getattr(segmentation, f.name) for f in fields(segmentation) if f.name not in _ARRAYS}
            entry.result_facts = {
                "kind": type(segmentation),
                "image": {f.name: getattr(segmentation.image, f.name) for f in fields(FundusImage) if f.name != "rgb"},
                "rule": segmentation.mask.rule,
                "origin": segmentation.fov.origin,
                "source": segmentation.fov.source,
                "doubts": segmentation.fov.doubts,
                "model_path": result.model_path,
            }
            entry.edits = KeptEdits.of(result)  # never left to a cache: no run of the network could make them again
            entry.folder, entry.result = folder, None

    def close(self) -> None:
        """Forget everything and remove the files."""
        with self._lock:
            self._entries.clear()
            self._former.clear()
            self._histories.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _new_folder(self) -> Path:
        if self._folder is None:
            parent = cache_folder() / "results"
            _remove_abandoned(parent)
            self._folder = parent / secrets.token_hex(8)
        return self._folder / secrets.token_hex(8)

    def _read_back(self, entry: _Entry) -> Result | None:
        if entry.load is not None and entry.folder is None:
            return _loaded(entry, entry.load)
        if entry.folder is None or entry.facts is None or entry.result_facts is None:
            return None
        try:
            values = np.load(entry.folder / "values.npy", allow_pickle=False)
            inside = np.load(entry.folder / "inside.npy", allow_pickle=False)
            rgb = np.load(entry.folder / "rgb.npy", allow_pickle=False)
        except (OSError, ValueError):  # somebody cleared the cache: the result can be computed again
            return None
        about = entry.result_facts
        for array in (values, inside, rgb):
            array.setflags(write=False)
        probability = ProbabilityMap(values)
        segmentation = about["kind"](
            **entry.facts,
            image=FundusImage(rgb, **about["image"]),
            fov=FieldOfView(inside, about["origin"], about["source"], about["doubts"]),
            probability=probability,
            mask=apply_threshold(probability, about["rule"]),
        )
        return Result.of(segmentation, about["model_path"], _edits_over(probability, entry))


def _loaded(entry: _Entry, load: Load) -> Result | None:
    try:
        segmentation, model_path = load()
    except (SerrError, OSError, Malformed):  # it is gone or changed, which is shown when it opens
        return None
    kept = entry.edits
    if kept is not None and (kept.sha256, kept.shape) != (segmentation.image.sha256, segmentation.image.shape):
        return None
    return Result.of(segmentation, model_path, _edits_over(segmentation.probability, entry))


def _edits_over(probability: ProbabilityMap, entry: _Entry) -> MaskEdits | None:
    if entry.edits is None:
        return None
    edits = MaskEdits(probability.levels)
    edits.take_packed(entry.edits.codes)
    return edits


def _n_bytes(result: Result) -> int:
    segmentation = result.segmentation
    of_edits = 3 * segmentation.probability.levels.nbytes if result.edits is not None else 0
    return segmentation.image.rgb.nbytes + _own_bytes(segmentation) + of_edits


def _own_bytes(found: "Segmentation") -> int:
    """What a result takes beside its photograph."""
    probability = found.probability
    arrays = (probability.values, probability.levels, found.fov.inside, found.mask.vessel)
    return sum(array.nbytes for array in arrays)


def _remove_abandoned(parent: Path) -> None:
    try:
        folders = list(parent.iterdir())
    except OSError:
        return
    for folder in folders:
        try:
            if time.time() - folder.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
