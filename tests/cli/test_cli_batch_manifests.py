"""Manifests of batches that are damaged or not ours: each is named in a sentence, and nothing leads outside."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from tests.cli.program import Serr, names, write_photo


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """A batch of two photographs, one of which failed."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "in").mkdir()
    write_photo(folder / "in" / "a.png", 120, 128)
    (folder / "in" / "b.png").write_bytes(b"no picture")
    assert main(["batch", "run", str(folder / "in"), "-o", str(folder / "out"), "--model", str(weights)]) == 1
    return folder


def change(out: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(out / "serr-batch" / "shard-0001.sqlite")) as base:
        base.execute("PRAGMA journal_mode=DELETE")
        base.execute(statement, values)
        base.commit()


DEEP = "[" * 100_000
FACTS: tuple[tuple[str, str], ...] = (
    *(("options", text) for text in (DEEP, "NaN", "null", "[]")),
    *(("shards", text) for text in ("9" * 5000, "-1", "0", "1000000000", "1.5", '"1"', "Infinity")),
    *(("root", text) for text in ("5", '"a\\u0000b"', '"\\ud800"')),
    *(("watched", text) for text in ("5", "[5]")),
    ("store", "5"),
    ("format", "2"),
)
OPTIONS: tuple[tuple[str, Any], ...] = (
    *(("level", value) for value in ("x", None, 1e9, -5, 1.5, True)),
    *(("low_level", value) for value in ("x", 250)),
    *(("min_pixels", value) for value in (-5, "x")),
    *(("tta", value) for value in ("foo", 5, [])),
    *(("kinds", value) for value in ("mask", ["foo"], [5], [[]], 5)),
    *(("engine", value) for value in (5, [])),
    *(("model", value) for value in (5, "a\0b", "\ud800")),
    *((name, 5) for name in ("fov", "model_sha256", "model_applied", "model_name", "style", "is_own_rule")),
    ("float_probability", "x"),
)
ITEMS: tuple[tuple[str, object], ...] = (
    *(("path", value) for value in (5, 1.5, b"", "text", b"a\0b")),
    *(("place", value) for value in ("", "/tmp/x", "../x", "x/../../x", "a//b", "a\0b", "..", b"\xff")),
    *(("columns", value) for value in ("{", "[]", "5", DEEP, '{"a": 5}', '{"a": "\\ud800"}', "9" * 5000)),
    *((name, value) for name in ("doubts", "outputs") for value in ("{", "5", "[5]", "null", DEEP)),
    *(("outputs", value) for value in ('["../x"]', '["a\\u0000b"]', '["/etc/passwd"]', '[".."]')),
    *(("size", value) for value in ("x", 1.5)),
    *((name, value) for name in ("threshold", "vessel_share", "seconds") for value in ("x", float("inf"))),
    *((name, b"\xff") for name in ("state", "reason", "sha256", "options", "model", "style")),
    ("state", "foo"),
)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        *[("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value)) for name, value in FACTS],
        *[("options", option) for option in OPTIONS],
        *[(f"UPDATE items SET {name} = ? WHERE id = 1", (value,)) for name, value in ITEMS],
    ],
)
def test_a_manifest_that_cannot_be_is_named(
    tmp_path: Path, sound: Path, serr: Serr, weights: Path, statement: str, values: tuple[Any, ...]
) -> None:
    out = tmp_path / "a" / "b" / "out"
    shutil.copytree(sound / "out", out)
    if statement == "options":
        with closing(sqlite3.connect(out / "serr-batch" / "shard-0001.sqlite")) as base:
            (before,) = base.execute("SELECT value FROM facts WHERE name = 'options'").fetchone()
        statement = "UPDATE facts SET value = ? WHERE name = 'options'"
        values = (json.dumps({**json.loads(before), values[0]: values[1]}),)
    change(out, statement, *values)
    for command in (
        ("batch", "collect", out),
        ("batch", "run", sound / "in", "--out", out, "--model", weights, "--check"),
        ("batch", "run", out, "--retry-failed"),
    ):
        ran = serr(*command)
        assert ran.code == 1
        assert "bug in the program" not in ran.err
        assert any("manifest" in sentence and "shard-0001.sqlite" in sentence for sentence in ran.sentences), ran.err
    assert {path.name for path in tmp_path.rglob("*")} <= {
        "a",
        "b",
        "out",
        "own models",
        *(p.name for p in out.rglob("*")),
    }
    names(out)


def test_a_pipe_in_the_place_of_a_manifest_does_not_block(tmp_path: Path, sound: Path, serr: Serr) -> None:
    shutil.copytree(sound / "out", tmp_path / "out")
    manifest = tmp_path / "out" / "serr-batch" / "shard-0001.sqlite"
    manifest.unlink()
    if not hasattr(os, "mkfifo"):
        manifest.mkdir()  # where there are no pipes
    else:
        os.mkfifo(manifest)
    for command in ("status", "collect", "run"):
        assert serr("batch", command, tmp_path / "out").sentences == [
            f"serr: The manifest {manifest} is damaged (it is not a file). Delete it and start the same command again: "
            "results that are whole are not made again."
        ]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("empty file", "it has no table 'facts'"),
        ("no database", "file is not a database"),
        ("cut short", "database disk image is malformed"),
        ("DROP TABLE items", "it has no table 'items'"),
        ("DROP TABLE facts", "it has no table 'facts'"),
        ("ALTER TABLE items RENAME TO others", "it has no table 'items'"),
        ("ALTER TABLE items DROP COLUMN reason", "its table 'items' has no column 'reason'"),
        ("ALTER TABLE items DROP COLUMN worker", "its table 'items' has no column 'worker'"),
        ("UPDATE facts SET value = '2' WHERE name = 'shard'", "it is the manifest of another shard than 1"),
    ],
)
@pytest.mark.parametrize("shards", [1, 2])
def test_a_manifest_without_its_tables_is_damaged_and_never_without_photographs(
    tmp_path: Path, sound: Path, serr: Serr, weights: Path, damage: str, why: str, shards: int
) -> None:
    out, photos, options = tmp_path / "out", sound / "in", ("--model", weights)
    if shards == 1:
        shutil.copytree(sound / "out", out)
    else:
        assert serr("batch", "plan", photos, "-o", out, "--shards", 2, *options).code == 0
    manifest = out / "serr-batch" / "shard-0001.sqlite"
    if damage == "empty file":
        manifest.write_bytes(b"")
    elif damage == "no database":
        manifest.write_bytes(b"file,result\n" * 500)
    elif damage == "cut short":
        change(out, "VACUUM")
        manifest.write_bytes(manifest.read_bytes()[:4096])
    else:
        change(out, damage)
    before = manifest.read_bytes()
    again = ("plan", photos, "-o", out, "--shards", 2) if shards == 2 else ("run", photos, "-o", out, *options)
    for command in (("status", out), ("collect", out), ("run", out), again, ("run", photos, "-o", out, "--dry-run")):
        ran = serr("batch", *command)
        assert (ran.code, ran.out) == (1, ""), command
        assert ran.sentences == [
            f"serr: The manifest {manifest} is damaged ({why}). Delete it and start the same command again: results "
            "that are whole are not made again."
        ], command
    ran = serr("watch", photos, "-o", out)
    assert ran.code == 1
    assert f"The manifest {manifest} is damaged ({why})" in ran.err
    assert manifest.read_bytes() == before
