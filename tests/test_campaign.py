"""A short, fixed part of the campaign of damaged files, kills and failing disks (docs/reliability.md)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_short_campaign_finds_nothing() -> None:
    words = ["--seed", "3", "--tries", "42", "--kills", "3", "--faults", "2"]
    command = [sys.executable, "-m", "tests.campaign", *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 failures" in ran.stdout
    for kind in ("model", "session", "journal"):
        assert f"mutants of {kind}" in ran.stdout
    assert "kills at file events: session" in ran.stdout
    assert "kills at file events" in ran.stdout
