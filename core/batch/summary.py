"""``summary.csv``: one row for each photograph of a batch, those that failed, too; as Parquet on request."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from core.batch.manifest import Item, Manifest
from core.batch.plan import Batch
from core.errors import InputError, OutputError
from core.evaluation.csv_text import csv_text
from core.files import atomic_path, display_path, path_text, write_bytes_atomic

SUMMARY: Final = "summary.csv"
PARQUET: Final = "summary.parquet"
_NUMBERS: Final = frozenset({"threshold", "vessel_share", "seconds"})
_COLUMNS: Final = (
    *("file", "result", "state", "reason", "sha256", "model", "threshold", "vessel_share", "doubts", "seconds"),
)


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
    parquet : as ``summary.parquet``, too: numbers as float64, empty where there is no result, all else as text.

    Raises
    ------
    OutputError : it cannot be written, or a file of that name is there which is not such a table.
    """
    refuse_other_summary(batch)
    path = batch.folder / SUMMARY
    there = [shard for shard in batch.all_shards if shard not in batch.missing]
    kept: dict[str, None] = {}
    rows: list[dict[str, object]] = []
    for shard in there:
        with batch.open(shard, read_only=True) as manifest:
            for row in _rows(manifest):
                rows.append(row)
                kept.update(dict.fromkeys(row))
    columns = [*_COLUMNS, *(name for name in kept if name not in _COLUMNS)]
    write_bytes_atomic(path, csv_text(columns, rows).encode())
    if parquet:
        _write_parquet(batch.folder / PARQUET, columns, rows)
    return path


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    import pyarrow as arrow
    from pyarrow.parquet import write_table

    schema = arrow.schema([(name, arrow.float64() if name in _NUMBERS else arrow.string()) for name in columns])
    table = arrow.table({name: [row.get(name) for row in rows] for name in columns}, schema=schema)
    with atomic_path(path) as temporary:
        write_table(table, temporary)


def _rows(manifest: Manifest) -> Iterator[dict[str, object]]:
    for item in manifest.items():
        yield {**_row(item), **{_free(name): value for name, value in item.columns.items()}}


def _row(item: Item) -> dict[str, object]:
    outcome = item.outcome
    state = "waiting" if outcome.state == "running" else outcome.state
    has_outcome = state != "waiting"
    return {
        "file": path_text(item.path),
        "result": item.place,
        "state": state,
        "reason": outcome.reason if has_outcome else "",
        "sha256": outcome.sha256 if has_outcome else "",
        "model": outcome.model if has_outcome else "",
        "threshold": outcome.threshold if has_outcome else None,
        "vessel_share": outcome.vessel_share if has_outcome else None,
        "doubts": " ".join(outcome.doubts) if has_outcome else "",
        "seconds": outcome.seconds if has_outcome else None,
    }


def _free(name: str) -> str:
    """The title of a column of a list: one that the table has itself gets "(list)" behind it."""
    return f"{name} (list)" if name in _COLUMNS else name


def refuse_other_summary(batch: Batch) -> None:
    """Raises OutputError where a file of that name is there which is not such a table."""
    path = batch.folder / SUMMARY
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
