"""``summary.csv``: one row for each photograph of a batch, those that failed, too; as Parquet on request."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Final

from core.batch.items import Item
from core.batch.plan import Batch
from core.batch.published import Publisher
from core.batch.stores import place_text
from core.errors import InputError, OutputError
from core.evaluation.csv_text import write_csv
from core.files import atomic_path, display_path

SUMMARY: Final = "summary.csv"
PARQUET: Final = "summary.parquet"
_NUMBERS: Final = frozenset({"threshold", "vessel_share", "seconds"})
_ROWS_AT_ONCE: Final = 50_000
_FIRST: Final = (
    *("file", "result", "state", "reason", "sha256", "model", "threshold", "vessel_share", "doubts", "seconds"),
)
"""The columns that every summary begins with, also of older programs."""
_COLUMNS: Final = (*_FIRST, "drawing_style")


def check_parquet() -> None:
    """Raises InputError where Parquet cannot be written here."""
    if find_spec("pyarrow") is None:
        raise InputError(
            "--parquet needs the package pyarrow, which is not installed. Install it (pip install "
            f'"serr-fundus[parquet]"), or leave --parquet out: {SUMMARY} has the same table.'
        )


def write_summary(batch: Batch, *, parquet: bool = False) -> Path:
    """Write the table of all shards, with the columns of the lists behind.

    Parameters
    ----------
    parquet : as ``summary.parquet``, too: numbers as float64, empty where there is no result, all else as text. Where
        an earlier run has written one it is written again without being asked for, so that the two never differ.

    Raises
    ------
    OutputError : it cannot be written, or a file of that name is there which is not such a table.
    StoreError : it cannot be published where the results are.
    """
    refuse_other_summary(batch, parquet=parquet)
    path, table = batch.folder / SUMMARY, batch.folder / PARQUET
    kept: dict[str, None] = {}
    for shard in _there(batch):
        with batch.open(shard, read_only=True) as manifest:
            kept.update(dict.fromkeys(map(_free, manifest.titles())))
    columns = [*_COLUMNS, *kept]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, columns, _rows(batch))
    written = [path]
    if parquet or is_own_parquet(table):
        _write_parquet(table, columns, _rows(batch))
        written.append(table)
    if batch.store:
        for each in written:
            Publisher(batch.store).put(each, f"{batch.store}/{each.name}")
    return path


def is_own_parquet(path: Path) -> bool:
    """Whether a file is such a table as Parquet; False where that cannot be told."""
    if not path.is_file() or find_spec("pyarrow") is None:
        return False
    from pyarrow.lib import ArrowException
    from pyarrow.parquet import read_schema

    try:
        return tuple(read_schema(path).names[: len(_FIRST)]) == _FIRST
    except (ArrowException, OSError):
        return False


def _write_parquet(path: Path, columns: Sequence[str], rows: Iterator[Mapping[str, object]]) -> None:
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    schema = arrow.schema([(name, arrow.float64() if name in _NUMBERS else arrow.string()) for name in columns])
    with atomic_path(path) as temporary, ParquetWriter(temporary, schema) as writer:
        first = True
        while (some := list(islice(rows, _ROWS_AT_ONCE))) or first:
            first = False
            writer.write_table(arrow.table({name: [row.get(name) for row in some] for name in columns}, schema=schema))


def _there(batch: Batch) -> list[int]:
    missing = batch.missing
    return [shard for shard in batch.all_shards if shard not in missing]


def _rows(batch: Batch) -> Iterator[dict[str, object]]:
    for shard in _there(batch):
        with batch.open(shard, read_only=True) as manifest:
            for item in manifest.items():
                yield {**_row(item), **{_free(name): value for name, value in item.columns.items()}}


def _row(item: Item) -> dict[str, object]:
    outcome = item.outcome
    state = "waiting" if outcome.state == "running" else outcome.state
    has_outcome = state != "waiting"
    return {
        "file": place_text(item.path),
        "result": item.place,
        "state": state,
        "reason": outcome.reason if has_outcome else "",
        "sha256": outcome.sha256 if has_outcome else "",
        "model": outcome.model if has_outcome else "",
        "threshold": outcome.threshold if has_outcome else None,
        "vessel_share": outcome.vessel_share if has_outcome else None,
        "doubts": " ".join(outcome.doubts) if has_outcome else "",
        "seconds": outcome.seconds if has_outcome else None,
        "drawing_style": outcome.style if has_outcome else "",
    }


def _free(name: str) -> str:
    """The title of a column of a list: one that the table has itself gets "(list)" behind it."""
    return f"{name} (list)" if name in _COLUMNS else name


def refuse_other_summary(batch: Batch, *, parquet: bool = False) -> None:
    """Raises OutputError where a file of that name is there which is not such a table."""
    path, table = batch.folder / SUMMARY, batch.folder / PARQUET
    if parquet and table.exists() and not is_own_parquet(table):
        raise OutputError(
            f"{display_path(table)} already exists and is not a summary of a batch: it is left as it is. Rename it, or "
            "leave --parquet out."
        )
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{display_path(path)} cannot be replaced ({error.strerror or error}).") from error
    if start and not start.startswith(",".join(_COLUMNS[:4]).encode()):
        raise OutputError(
            f"{display_path(path)} already exists and is not a summary of a batch: it is left as it is. Rename it, "
            f"then run serr batch collect {display_path(path.parent)}"
        )
