"""``serr watch`` on real files: photographs that arrive, bad ones that are mended, an end by Ctrl+C and a new start."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.batch.watching import Arrivals
from tests.cli.program import Serr, start, write_photo
from tests.cli.test_cli_batch import rows, touched


def test_a_file_is_taken_when_it_has_settled_and_again_when_it_changes(tmp_path: Path) -> None:
    out = tmp_path / "in" / "SERR out"
    (tmp_path / "in" / "2020").mkdir(parents=True)
    out.mkdir()
    shutil.copy(write_photo(tmp_path / "whole.png", 64, 64), out / "b.png")
    content = (tmp_path / "whole.png").read_bytes()
    photo = tmp_path / "in" / "2020" / "a.png"
    arrivals = Arrivals([tmp_path / "in"], out, 2.0)
    photo.write_bytes(b"")
    assert arrivals.look(0) == arrivals.look(5) == []  # nothing in it yet
    photo.write_bytes(content[:500])
    assert arrivals.look(6) == arrivals.look(7.5) == []
    photo.write_bytes(content)
    assert arrivals.look(9) == []
    assert arrivals.unsettled == 1
    assert arrivals.look(11) == [photo]
    assert arrivals.look(20) == []
    assert arrivals.unsettled == 0
    photo.write_bytes(content + b"\0")
    assert arrivals.look(21) == []
    assert arrivals.look(23) == [photo]

    empty = tmp_path / "in" / "empty.png"
    empty.touch()
    assert arrivals.look(24) == []
    assert arrivals.look(60) == [empty]  # nobody writes to it any more: the batch says what is wrong

    (tmp_path / "in").rename(tmp_path / "away")
    assert arrivals.look(61) == arrivals.look(62) == []
    assert len(arrivals.notes) == 1
    (tmp_path / "away").rename(tmp_path / "in")
    assert arrivals.look(63) == []
    assert "there again" in arrivals.notes[1]


@pytest.fixture
def watch(tmp_path: Path, weights: Path) -> Iterator[Any]:
    """Starts to watch, as a process; it is ended with the test."""
    processes: list[subprocess.Popen[str]] = []
    (tmp_path / "camera").mkdir()

    def begin() -> subprocess.Popen[str]:
        quick = ("--settle", "0.1", "--every", "0.1", "--model", weights, "--fov", "full")
        processes.append(start("watch", tmp_path / "camera", "--out", tmp_path / "out", *quick))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_what_a_camera_drops_is_segmented_once_and_bad_files_when_they_are_mended(
    watch: Any, tmp_path: Path, serr: Serr
) -> None:
    camera, out = tmp_path / "camera", tmp_path / "out"
    whole = write_photo(tmp_path / "whole.png", 64, 66)

    def wait_for(process: subprocess.Popen[str], **counts: int) -> dict[str, Any]:
        while True:
            assert process.poll() is None, process.communicate()
            if (out / "serr-batch").is_dir():
                told = serr("batch", "status", out, "--json")
                if told.code == 0 and counts.items() <= told.json["counts"].items():
                    found: dict[str, Any] = told.json
                    return found

    shutil.copy(whole, camera / "there already.png")
    process = watch()
    wait_for(process, done=1)
    (camera / "sub").mkdir()
    shutil.copy(whole, camera / "sub" / "late.png")
    (camera / "sub" / "bad.png").write_bytes(whole.read_bytes()[:900])
    told = wait_for(process, done=2, failed=1)
    assert told["state"] == "running"
    assert "bad.png" in told["failed"][0]["why"]
    write_photo(camera / "sub" / "bad.png", 64, 68)
    wait_for(process, done=3, failed=0)
    process.send_signal(signal.SIGINT)
    said, told_beside = process.communicate()
    assert process.returncode == 0, told_beside
    assert "3 photographs: 3 done" in said
    assert "bad.png" in told_beside
    assert sorted(rows(out)) == ["sub/bad", "sub/late", "there already"]
    assert serr("batch", "status", out, "--json").json["state"] == "stopped"
    before = touched(out)

    shutil.copy(whole, camera / "meanwhile.png")
    process = watch()
    wait_for(process, done=4)
    process.kill()  # at any moment
    process.communicate()
    assert serr("batch", "status", out, "--json").json["state"] == "interrupted"
    process = watch()
    shutil.copy(whole, camera / "after.png")
    wait_for(process, done=5)
    assert before.items() <= touched(out).items()


def test_a_folder_that_is_not_there_is_said(serr: Serr, tmp_path: Path) -> None:
    ran = serr("watch", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert ran.code == 1
    assert "nowhere is not a folder that could be watched" in ran.err
    assert not (tmp_path / "out").exists()
