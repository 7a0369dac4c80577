"""``serr batch run --dry-run`` refuses what the run itself would refuse, with the same sentence, and writes nothing."""

import sys
from pathlib import Path

import pytest

from tests.bad_outputs import ordinary_rights
from tests.cli.program import Serr, write_photo


def seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All below a folder; of files their content and when they were written."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else (0, b"")
        for path in folder.rglob("*")
        if not path.name.endswith(("-shm", "-wal"))  # SQLite makes them, to read a manifest
    }


REFUSED: tuple[tuple[str, ...], ...] = (
    ("--model", "nonsense"),
    ("--model", "{photo}"),
    ("--threshold", "0.5", "--draw-like", "DRIVE"),
    ("--draw-like", "NOWHERE"),
    ("--threshold", "0.2", "--low", "0.9"),
    ("--tta", "foo"),
    ("--engine", "foo"),
    ("--save", "foo"),
    ("--fov", "{folder}/nowhere"),
    ("--shard", "2"),
    ("--device", "cuda:77"),
    ("--device", "foo"),
    ("--workers", "0"),
    ("--workers", "2", "--cluster", "local"),
    ("--device", "cpu,cpu", "--cluster", "local"),
)


@pytest.mark.parametrize("options", REFUSED)
def test_what_a_run_refuses_its_dry_run_refuses(
    serr: Serr, tmp_path: Path, weights: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "in").mkdir()
    write_photo(tmp_path / "in" / "a.png", 64, 64)
    given = [text.format(photo=tmp_path / "in" / "a.png", folder=tmp_path) for text in options]
    model = () if "--model" in options else ("--model", weights)
    command = ("batch", "run", tmp_path / "in", "--out", tmp_path / "out", *model, *given)
    before = seen(tmp_path)
    dry = serr(*command, "--dry-run")
    assert seen(tmp_path) == before
    real = serr(*command)
    assert (dry.code, dry.sentences, dry.out) == (real.code, real.sentences, "")
    assert real.code in {1, 2}


PLACES = (
    *("file", "below a file", "not a summary", "not a table"),
    *(("read-only", "broken link") if sys.platform != "win32" else ()),
)


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_a_run_refuses_its_dry_run_refuses(serr: Serr, tmp_path: Path, weights: Path, place: str) -> None:
    (tmp_path / "in").mkdir()
    write_photo(tmp_path / "in" / "a.png", 64, 64)
    out, more = tmp_path / "out", ("--parquet",) if place == "not a table" else ()
    if place == "broken link":
        out.symlink_to(tmp_path / "nowhere")
    elif "file" in place:
        out.write_bytes(b"mine")
        out = out / "deep" / "er" if place == "below a file" else out
    else:
        out.mkdir()
    if place.startswith("not a"):
        (out / ("summary.csv" if place == "not a summary" else "summary.parquet")).write_bytes(b"mine")
    if place == "read-only":
        out.chmod(0o555)
    command = ("batch", "run", tmp_path / "in", "--out", out, "--model", weights, *more)
    before = seen(tmp_path)
    with ordinary_rights():
        dry = serr(*command, "--dry-run")
        assert seen(tmp_path) == before
        real = serr(*command)
    assert (dry.code, dry.sentences, dry.out) == (real.code, real.sentences, "")
    assert real.code == 1
    if place == "read-only":
        out.chmod(0o755)


def test_a_batch_that_is_there_refuses_other_options_and_another_place(
    serr: Serr, tmp_path: Path, weights: Path
) -> None:
    (tmp_path / "in").mkdir()
    write_photo(tmp_path / "in" / "a.png", 64, 64)
    run = ("batch", "run", tmp_path / "in")
    assert serr(*run, "--out", tmp_path / "out", "--model", weights, "--fov", "full").code == 0
    before = seen(tmp_path)
    other = (*run, "--out", tmp_path / "out", "--threshold", "0.9")
    away = (*run, "--out", "s3://bucket/results", "--work", tmp_path / "out")
    for command in (other, away):
        dry, real = serr(*command, "--dry-run"), serr(*command)
        assert (dry.code, dry.sentences, dry.out) == (real.code, real.sentences, "")
        assert real.code in {1, 2}
    assert serr(*other, "--new-options", "--dry-run").code == 0
    assert serr(*run, "--out", tmp_path / "out", "--dry-run").code == 0
    assert seen(tmp_path) == before
