"""``serr batch`` on real files: cohorts that are continued, changed, divided into shards, and joined again."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pyarrow.parquet import read_table

from core.batch import control
from tests.bad_outputs import ordinary_rights
from tests.cli.program import Ran, Serr, process_environment, start, write_photo
from tests.small_model import RECIPE, save_small_model


def rows(out: Path) -> dict[str, dict[str, str]]:
    """The summary, by the names of results."""
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        return {row["result"]: row for row in csv.DictReader(file)}


def touched(out: Path) -> dict[str, int]:
    """When each side-car was written."""
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*.serr.json")}


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Photographs in folders; several have the same name."""
    folder = tmp_path / "cohort"
    for number, name in enumerate(("2020/a.png", "2020/A.jpg", "2021/a.png", "2021/deep/b.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_photo(folder / name, 64 + number, 64)
    return folder


@pytest.fixture
def begin(serr: Serr, cohort: Path, tmp_path: Path, weights: Path) -> Any:
    """Run the batch with some more options."""

    def run(*options: object) -> Ran:
        return serr("batch", "run", cohort, "--out", tmp_path / "out", "--model", weights, "--fov", "full", *options)

    return run


def test_results_mirror_the_folders_and_no_name_meets_another(begin: Any, tmp_path: Path) -> None:
    planned = begin("--dry-run", "--json").json["photographs"]
    assert not (tmp_path / "out").exists()
    assert begin().code == 0
    found = rows(tmp_path / "out")
    assert sorted(found) == ["2020/A_jpg", "2020/a_png", "2021/a", "2021/deep/b"]
    assert {each["result"] for each in planned} == set(found)
    for name, row in found.items():
        assert (row["state"], row["reason"], row["model"], row["threshold"]) == ("done", "", "small", "0.375")
        assert 0 < float(row["vessel_share"]) < 1
        assert len(row["sha256"]) == 64
        assert "only" in row["doubts"]  # 64 pixels are few
        assert (tmp_path / "out" / f"{name}_mask.png").is_file()


def test_started_again_it_does_only_what_is_new_changed_or_missing(begin: Any, cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    begin()
    before = touched(out)
    assert begin().code == 0
    assert touched(out) == before

    write_photo(cohort / "2021" / "new.png", 70, 64)
    write_photo(cohort / "2021" / "a.png", 80, 64)  # another photograph of that name
    os.utime(cohort / "2020" / "a.png")  # the same one with another time
    (out / "2021" / "deep" / "b_mask.png").unlink()
    ran = begin()
    assert ran.code == 0, ran.err
    assert "1 photograph changed since." in ran.err
    changed = {name for name, when in touched(out).items() if before.get(name) != when}
    assert changed == {"2021/new.serr.json", "2021/a.serr.json", "2021/deep/b.serr.json"}
    assert "not the one that it was made from" in rows(out)["2021/a"]["reason"]


def test_other_options_are_refused_or_made_again_and_never_mixed(begin: Any, serr: Serr, tmp_path: Path) -> None:
    out = tmp_path / "out"
    begin()
    before = touched(out)
    refused = begin("--threshold", "0.25")
    assert refused.code == 2
    assert "threshold 0.375, not 0.25" in refused.err
    assert touched(out) == before
    assert begin("--threshold", "0.25", "--new-options").code == 0
    assert {row["threshold"] for row in rows(out).values()} == {"0.25"}
    assert all(when != before[name] for name, when in touched(out).items())
    assert "lower threshold none, not 0.125" in begin("--low", "0.125").err
    assert begin("--low", "0.125", "--min-pixels", "5", "--new-options").code == 0
    assert begin("--threshold", "0.25").code == 0  # the rest is the batch's
    record = json.loads((out / "2021" / "a.serr.json").read_text())["rule"]
    assert (record["low"], record["min_pixels"]) == (0.125, 5)
    assert serr("batch", "run", out).code == 0  # continued with the options that it has now
    assert {row["threshold"] for row in rows(out).values()} == {"0.25"}


def test_a_model_that_prepares_photographs_in_another_way_is_another_option(
    serr: Serr, cohort: Path, tmp_path: Path
) -> None:
    """Its tensors, and so its hash, are the same."""
    model, out = save_small_model(tmp_path / "own.safetensors"), tmp_path / "out"
    command = ("batch", "run", cohort, "--out", out, "--model", model, "--fov", "full")
    assert serr(*command).code == 0
    save_small_model(model, preprocessing=RECIPE.model_copy(update={"gamma": 2.0}))
    refused = serr(*command)
    assert refused.code == 2
    assert "the model small with another preparation of photographs" in refused.err
    assert "is not the one that the batch" in serr("batch", "run", out).err
    assert serr(*command, "--new-options").code == 0
    record = json.loads((out / "2021" / "a.serr.json").read_text())["model"]
    assert record["preprocessing"]["gamma"] == 2.0


def test_bad_files_are_in_the_table_and_too_many_stop_it(begin: Any, cohort: Path, serr: Serr, tmp_path: Path) -> None:
    for name in ("bad1", "bad2"):
        (cohort / "2020" / f"{name}.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    stopped = begin("--max-failed", "20%")
    assert stopped.code == 1
    assert "2 of 6 photographs failed, more than 20 %" in stopped.err
    assert begin("--max-failed", "120").code == 2
    ran = begin("--parquet")
    assert ran.code == 1
    assert rows(out)["2020/bad1"]["state"] == "failed"
    table = read_table(out / "summary.parquet").to_pylist()
    assert {row["result"]: row["state"] for row in table} == {name: row["state"] for name, row in rows(out).items()}
    shares = {row["result"]: row["vessel_share"] for row in table}
    assert shares["2020/bad1"] is None
    assert shares["2021/a"] == float(rows(out)["2021/a"]["vessel_share"])

    assert "bad1.png" in rows(out)["2020/bad1"]["reason"]
    assert sum(row["state"] == "done" for row in rows(out).values()) == 4

    write_photo(cohort / "2020" / "bad1.png", 64, 64)  # mended: tried again by itself
    begin()
    told = serr("batch", "status", out, "--json").json
    assert told["counts"] == {"waiting": 0, "running": 0, "done": 5, "kept": 0, "failed": 1}
    assert [Path(each["photo"]).name for each in told["failed"]] == ["bad2.png"]


def test_parquet_without_its_package_is_refused_at_once(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.batch.summary.find_spec", lambda _name: None)
    ran = begin("--parquet")
    assert ran.code == 1
    assert "--parquet needs the package pyarrow" in ran.err


def test_the_columns_of_a_list_are_kept(cohort: Path, serr: Serr, tmp_path: Path, weights: Path) -> None:
    table = cohort / "list.csv"
    table.write_text("eye;image;file\nOD;2020/a.png;=1+1\nOS;2021/a.png;x\n", encoding="utf-8-sig")
    arguments = ("--out", tmp_path / "out", "--model", weights, "--fov", "full")
    wrong = serr("batch", "run", table, *arguments, "--column", "paths")
    assert wrong.code == 1
    assert "eye, image, file" in wrong.err
    ran = serr("batch", "run", table, *arguments, "--column", "image")
    assert ran.code == 0, ran.err
    found = rows(tmp_path / "out")
    assert sorted(found) == ["2020/a", "2021/a"]
    assert [(row["eye"], row["file (list)"]) for row in found.values()] == [("OD", "'=1+1"), ("OS", "x")]


def test_an_archive_is_a_cohort_whatever_its_names(cohort: Path, serr: Serr, tmp_path: Path, weights: Path) -> None:
    archive, out = tmp_path / "visits.zip", tmp_path / "out"
    options = ("--out", out, "--model", weights, "--fov", "full")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(cohort.rglob("*.[jp]*g")):
            file.write(path, path.relative_to(cohort))
        file.writestr("2020/a_manual1.png", b"a label")
        file.writestr("notes.txt", b"nothing")
        file.writestr("../../outside.png", (cohort / "2021" / "a.png").read_bytes())
        file.writestr("bad.png", b"no picture")
    planned = serr("batch", "run", archive, *options, "--dry-run", "--json").json["photographs"]
    assert not out.exists()
    ran = serr("batch", "run", archive, *options)
    assert ran.code == 1
    expected = ["2020/A_jpg", "2020/a_png", "2021/a", "2021/deep/b", "bad", "outside"]
    assert sorted(rows(out)) == expected == sorted(each["result"] for each in planned)
    assert [name for name, row in rows(out).items() if row["state"] == "failed"] == ["bad"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".png") == []
    before = touched(out)
    assert serr("batch", "run", archive, *options).code == 1
    assert touched(out) == before

    mixed = serr("batch", "run", archive, cohort, *options)
    assert mixed.code == 2
    assert "a batch of their own" in mixed.err
    content = bytearray(archive.read_bytes())
    content[60] ^= 0xFF  # in the first photograph
    (tmp_path / "damaged.zip").write_bytes(content)
    (tmp_path / "cut.zip").write_bytes(content[:2000])
    damaged = serr("batch", "run", tmp_path / "damaged.zip", "--out", tmp_path / "other", "--model", weights)
    assert damaged.code == 1
    assert "damaged.zip cannot be unpacked: it is damaged" in damaged.err
    assert len(rows(tmp_path / "other")) == 5
    cut = serr("batch", "run", tmp_path / "cut.zip", "--out", tmp_path / "third", "--model", weights)
    assert (cut.code, (tmp_path / "third").exists()) == (1, False)
    assert "cut.zip is not a whole zip archive" in cut.err


def test_a_corrected_mask_is_kept_and_said(begin: Any, tmp_path: Path) -> None:
    begin()
    mask = tmp_path / "out" / "2021" / "a_mask.png"
    shutil.copy(tmp_path / "out" / "2020" / "a_png_mask.png", mask)
    write_photo(mask, 66, 64)  # no mask at all: damaged
    assert begin("--check").code == 0
    assert "not the one that was written" in rows(tmp_path / "out")["2021/a"]["reason"]

    from PIL import Image

    Image.open(mask).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mask)
    content = mask.read_bytes()
    assert begin("--check").code == 0
    assert rows(tmp_path / "out")["2021/a"]["state"] == "kept"
    assert mask.read_bytes() == content


def test_shards_run_side_by_side_and_are_joined(cohort: Path, serr: Serr, tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "out"
    plan = ("batch", "plan", cohort, "--out", out, "--shards", 2, "--model", weights, "--fov", "full")
    planned = serr(*plan, "--json").json
    assert (planned["photographs"], planned["new"], planned["shards"]) == (4, 4, 2)
    early = serr("batch", "collect", out)
    assert early.code == 1
    assert "4 waiting" in early.out

    running = [start("batch", "run", out, "--shard", shard) for shard in (1, 2)]
    for process in running:
        _, told = process.communicate()
        assert process.returncode == 0, told
    joined = serr("batch", "collect", out)
    assert joined.code == 0, joined.out
    assert sorted(rows(out)) == ["2020/A_jpg", "2020/a_png", "2021/a", "2021/deep/b"]
    before = touched(out)

    write_photo(cohort / "2021" / "late.png", 64, 64)
    assert serr(*plan).code == 0  # adds what is new; the rest stays in its shard
    for script in ("slurm.sbatch", "pbs.sh", "loop.sh"):
        text = out / "serr-batch" / script
        assert subprocess.run(["bash", "-n", text], check=False).returncode == 0
        assert "batch run" in text.read_text()
    looped = subprocess.run(["sh", out / "serr-batch" / "loop.sh"], env=process_environment(), check=False)
    assert looped.returncode == 0
    assert serr("batch", "collect", out).code == 0
    assert {name for name, when in touched(out).items() if before.get(name) != when} == {"2021/late.serr.json"}

    (out / "serr-batch" / "shard-0002.sqlite").unlink()
    lost = serr("batch", "collect", out)
    assert lost.code == 1
    assert "shard 2 is missing" in lost.err


def test_two_processes_share_the_work_of_one_batch(cohort: Path, serr: Serr, tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "out"
    for number in range(8):
        write_photo(cohort / f"more{number}.png", 64, 64 + number)
    arguments = ("batch", "run", cohort, "--out", out, "--model", weights, "--fov", "full", "--json")
    running = [start(*arguments) for _ in range(2)]
    for process in running:
        _, told = process.communicate()
        assert process.returncode == 0, told
    assert serr("batch", "status", out, "--json").json["counts"]["done"] == 12


def test_ctrl_c_leaves_a_summary_and_the_same_command_continues(
    cohort: Path, serr: Serr, tmp_path: Path, weights: Path
) -> None:
    out = tmp_path / "out"
    for number in range(30):
        write_photo(cohort / f"more{number}.png", 64, 64 + number)
    arguments = ("batch", "run", cohort, "--out", out, "--model", weights, "--fov", "full")
    process = start(*arguments)
    while not list(out.rglob("*.serr.json")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert "the same command continues" in told
    states = {row["state"] for row in rows(out).values()}
    assert states == {"done", "waiting"}
    before = touched(out)
    assert serr("batch", "run", out).code == 0
    assert {row["state"] for row in rows(out).values()} == {"done"}
    assert before.items() <= touched(out).items()

    alone = serr("batch", "run", cohort)
    assert alone.code == 2
    assert "--out is missing" in alone.err


def test_a_batch_that_runs_is_seen_and_ends_when_another_program_asks(
    cohort: Path, serr: Serr, tmp_path: Path, weights: Path
) -> None:
    out = tmp_path / "out"
    for number in range(30):
        write_photo(cohort / f"more{number}.png", 64, 64 + number)
    (cohort / "bad.png").write_bytes(b"no picture")
    process = start("batch", "run", cohort, "--out", out, "--model", weights, "--fov", "full")
    while not list(out.rglob("*.serr.json")):
        assert process.poll() is None
    assert serr("batch", "status", out, "--json").json["state"] == "running"
    control.ask(out / "serr-batch", "pause")
    assert serr("batch", "status", out, "--json").json["state"] in {"pausing", "paused"}
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert serr("batch", "status", out, "--json").json["state"] == "paused"

    assert serr("batch", "run", out, "--max-bad", "1").code == 1
    stopped = serr("batch", "status", out, "--json").json
    assert stopped["state"] == "failed"
    assert "1 of 35 photographs failed" in stopped["problem"]
    assert serr("batch", "run", out).code == 1
    ended = serr("batch", "status", out)
    assert "done, 34 of the results are doubtful" in ended.out
    assert not list((out / "serr-batch").glob("*.lock"))


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_lost(
    begin: Any, cohort: Path, serr: Serr, tmp_path: Path, weights: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with ordinary_rights():
        ran = serr("batch", "run", cohort, "--out", locked, "--model", weights)
    assert ran.code == 1
    assert "read-only" in ran.err

    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))"
    big = write_photo(cohort / "z.png", 600, 640)
    command = ["batch", "run", str(cohort), "--out", str(tmp_path / "out"), "--model", str(weights), "--fov", "full"]
    code = f"{limit}; from core.cli import main; raise SystemExit(main({command!r}))"
    full = subprocess.run(
        [sys.executable, "-c", code], env=process_environment(), capture_output=True, text=True, check=False
    )
    assert full.returncode == 1, full.stderr
    assert "no room left" in full.stderr
    assert "Traceback" not in full.stderr
    counts = serr("batch", "status", tmp_path / "out", "--json").json["counts"]
    assert counts["failed"] == counts["running"] == 0
    assert counts["waiting"] >= 1
    assert begin().code == 0
    assert rows(tmp_path / "out")[big.stem]["state"] == "done"


def test_a_summary_that_is_somebody_elses_and_a_wrong_manifest_are_left_alone(
    begin: Any, serr: Serr, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.csv").write_text("my own notes")
    ran = begin()
    assert ran.code == 1
    assert "is not a summary of a batch" in ran.err
    assert (out / "summary.csv").read_text() == "my own notes"
    manifest = out / "serr-batch" / "shard-0001.sqlite"
    for other in out.glob("serr-batch/*-*"):
        if other != manifest:
            other.unlink()
    manifest.write_bytes(b"no manifest" * 1000)
    damaged = begin()
    assert damaged.code == 1
    assert "is damaged" in damaged.err
    assert serr("batch", "status", tmp_path).code == 1


def test_a_list_that_names_a_photograph_twice_says_so(cohort: Path, serr: Serr, tmp_path: Path, weights: Path) -> None:
    photo, table = next(cohort.rglob("*.png")), tmp_path / "list.csv"
    table.write_text(f"path,age\n{photo},5\n{photo},6\n", encoding="utf-8")
    ran = serr("batch", "run", table, "--out", tmp_path / "out", "--model", weights, "--dry-run")
    assert ran.sentences[0] == (
        f"serr: {table}: 1 row names a photograph again. What the first of its rows says counts."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes that are files")
def test_a_pipe_among_photographs_does_not_block(serr: Serr, tmp_path: Path, weights: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    ran = serr("batch", "run", tmp_path / "pipe.png", "--out", tmp_path / "out", "--model", weights)
    assert ran.code == 1
    assert "is not a file but a device or a pipe" in ran.err
