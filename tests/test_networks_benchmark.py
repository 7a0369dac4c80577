"""The comparison of all networks is one command that can be called again, and says when its budget is too small."""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from core.datasets.synthetic import write_drive_layout

ROOT = Path(__file__).resolve().parent.parent
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


def compare(root: Path, out: Path, *options: str) -> str:
    recipe = out.parent / "recipe.toml"
    recipe.write_text(RECIPE)
    command = [sys.executable, ROOT / "benchmarks" / "networks.py", "--root", root, "--out", out, "--config", recipe]
    command += ["--steps", "2", "--seeds", "0", "--device", "cpu", *options]
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    return (out / "ablation.md").read_text(encoding="utf-8")


def test_a_tiny_comparison_is_made_continued_and_judged_to_say_nothing(tmp_path: Path) -> None:
    root, out = write_drive_layout(tmp_path / "data", 2, side=96).parent, tmp_path / "runs"
    compare(root, out, "--only", "unet")
    scores = out / "unet-0" / "test.json"
    first = scores.stat().st_mtime_ns
    page = compare(root, out, "--only", "unet", "se-unet")
    assert scores.stat().st_mtime_ns == first, "what is done is not done again"
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in page.splitlines() if line.startswith("| ")}
    assert set(rows) == {"network", "---", "unet", "se-unet"}
    assert rows["unet"][1:4] == ["1", "0.48 M", "23"]
    assert len(rows["unet"]) == len(rows["network"]) == 12
    assert "This budget says nothing" in page
    assert "p AUC" not in page
    for number in (1, 2, 3):
        with Image.open(out / "images" / f"networks-{number}.webp") as picture:
            assert picture.width == 3 * 246
