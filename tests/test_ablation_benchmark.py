"""The comparison of networks and recipes is one command that can be stopped, called again, and says what it may say."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.datasets.synthetic import write_drive_layout

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import ablation  # noqa: E402 - the programs that measure are no package
from ablation_arms import Folders  # noqa: E402

RECIPE = """
[data]
validation_photos = 1
[preprocessing]
fov_diameter_px = 64
[optimisation]
batch = 1
crop_px = 32
precision = "fp32"
[run]
threads = 1
"""


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    root = write_drive_layout(tmp_path / "data", 2, side=96).parent
    return Folders(root, tmp_path / "results", tmp_path / "runs")


def compare(folders: Folders, *options: str) -> str:
    """Call the program; the page that it writes."""
    words = ["--root", str(folders.root), "--out", str(folders.out), "--runs", str(folders.runs), "--steps", "2"]
    words += ["--config", str(folders.out.parent / "recipe.toml"), "--batch", "1", "--device", "cpu", "--jobs", "0"]
    assert ablation.main([*words, "--seeds", "0", "--timing-s", "0", *options]) == 0
    page = folders.out / "ablation.md"
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def rows_of(page: str) -> dict[str, list[str]]:
    return {line.split(" | ")[0].strip("| "): line.split(" | ") for line in page.splitlines() if line.startswith("| ")}


def test_a_comparison_is_continued_and_a_small_one_says_nothing(folders: Folders) -> None:
    compare(folders, "--only", "unet", "--stages", "train")
    done = [folders.trained("unet-0"), folders.scores("unet-0"), folders.model("unet-0")]
    before = [file.stat().st_mtime_ns for file in done]
    folders.scores("unet-0").rename(folders.scores("kept"))
    folders.trained("se-unet-0").write_text("")  # never taken for a result: the next line takes it away
    folders.trained("se-unet-0").unlink()
    page = compare(folders, "--only", "unet", "se-unet", "no random crops")
    assert [file.stat().st_mtime_ns for file in (done[0], done[2])] == [before[0], before[2]], "not trained again"
    assert json.loads(done[1].read_text())["pooled"] == json.loads(folders.scores("kept").read_text())["pooled"]
    rows = rows_of(page)
    assert {"unet", "se-unet", "no random crops"} < set(rows)
    assert "This budget says nothing" in page
    assert "Do the parts" not in page
    for number in (1, 2, 3):
        with Image.open(folders.out / "images" / f"networks-{number}.webp") as picture:
            assert picture.width == 2 * 206
