"""The program as such: starting, ending, and what it never does to a person."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import __version__
from core.cli.commands import COMMANDS
from core.errors import InputError
from tests.cli.program import Ran, Serr, process_environment, start


def test_help_is_light() -> None:
    program = "import sys, core.cli; core.cli.main(['segment', '--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=process_environment(), check=True
    )
    assert "--threshold" in done.stdout
    assert not {"torch", "cv2", "sklearn", "scipy", "lightning_fabric", "PySide6"} & set(done.stderr.split())


def test_torch_finds_the_wait_policy_set() -> None:
    program = "import os, core.cli; core.cli.main(['--version']); print(os.environ['OMP_WAIT_POLICY'])"
    environment = process_environment()
    environment.pop("OMP_WAIT_POLICY", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stdout.split()[-1] == "PASSIVE"


def test_the_program_without_anything_says_what_it_can_do(serr: Serr) -> None:
    ran = serr("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"serr {__version__}\n", "")
    helped = serr("-h")
    assert helped.code == 0
    for command in ("segment", "evaluate", "train", "models", "info"):
        assert command in helped.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bogus"], ["bogus", "--help"]),
        (["segment"], ["PATH", "segment --help"]),
        (["segment", "photo.png"], ["--out", "segment --help"]),
        (["segment", "photo.png", "--out", "x", "--threshold", "much"], ["--threshold", "number"]),
        (["evaluate", "--bogus"], ["--bogus"]),
        (["models", "show"], ["NAME"]),
        (["models", "show", "nonsense"], ["nonsense", "Available models"]),
        (["train", "--root", "x", "--out", "y", "--steps", "0"], ["--steps"]),
    ],
)
def test_wrong_use_is_said_in_one_sentence(serr: Serr, arguments: list[str], words: list[str]) -> None:
    ran = serr(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    (sentence,) = ran.sentences
    assert sentence.startswith("serr")
    for word in words:
        assert word.lower() in sentence.lower()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A further command that raises what it is told."""
    raised: list[BaseException] = []

    def fail() -> None:
        raise raised[0]

    monkeypatch.setitem(COMMANDS, "fail", lambda: fail)
    return raised


def test_errors_for_a_person_are_told_as_they_are(serr: Serr, failing: list[BaseException]) -> None:
    failing.append(InputError("eye.png is not a photograph."))
    ran = serr("fail")
    assert (ran.code, ran.out, ran.err) == (1, "", "serr: eye.png is not a photograph.\n")


def test_a_fault_of_the_program_is_a_sentence_that_says_how_to_report_it(
    serr: Serr, failing: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.append(ZeroDivisionError("division by zero"))
    ran = serr("fail")
    (sentence,) = ran.sentences
    assert ran.code == 1
    for word in ("ZeroDivisionError: division by zero", "report", "serr info", "SERR_DEBUG=1"):
        assert word in sentence
    monkeypatch.setenv("SERR_DEBUG", "1")
    ran = serr("fail")
    assert ran.code == 1
    assert "Traceback" in ran.err


def test_too_little_memory_is_no_fault_of_the_program(serr: Serr, failing: list[BaseException]) -> None:
    failing.append(MemoryError())
    (sentence,) = serr("fail").sentences
    assert "not enough memory" in sentence
    assert "report" not in sentence


def test_ctrl_c_anywhere_is_a_cancel(serr: Serr, failing: list[BaseException]) -> None:
    failing.append(KeyboardInterrupt())
    ran = serr("fail")
    assert (ran.code, ran.out, ran.err) == (130, "", "serr: cancelled.\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "core.cli", "--version"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        env=process_environment(),
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "core.cli", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=process_environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("serr: the result cannot be written")
    assert len(done.stderr.splitlines()) == 1


def test_a_console_without_unicode_gets_escapes(weights: Path) -> None:
    process = start("segment", "Å*.png", "--out", "x", "--model", weights, PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=120)
    ran = Ran(process.returncode, out, err)
    assert ran.code == 2
    (sentence,) = ran.sentences
    assert "\\xc5*.png" in sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment", "LONG", "-o", "out"),
        ("segment", "eye.png", "-o", "LONG"),
        ("segment", "eye.png", "-o", "out", "--fov", "LONG"),
        ("batch", "run", "eye.png", "-o", "LONG"),
        ("batch", "status", "LONG"),
        ("measure", "LONG", "--out", "table.csv"),
        ("evaluate", "--root", "LONG"),
        ("evaluate", "--csv", "LONG"),
        ("dataset", "check", "LONG"),
        ("train", "--resume", "-o", "LONG"),
        ("models", "export", "serr-unet-drive", "LONG"),
        ("enhance", "LONG", "-o", "out"),
    ],
)
def test_a_name_that_no_file_can_have_is_no_bug(
    tmp_path: Path, serr: Serr, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    long = str(tmp_path / ("x" * 300))
    ran = serr(*(long if argument == "LONG" else argument for argument in arguments))
    assert ran.code in {1, 2}
    assert "bug in the program" not in ran.err
    assert ran.sentences
    assert not any(tmp_path.rglob("*mask*"))
