"""The comparison of networks and recipes is one command that can be stopped, called again, and says what it may say."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import write_drive_layout
from core.training.augmentation import Sample
from core.training.config import load_preset
from core.training.events import read_events
from core.training.loop import EVENTS_FILE

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import ablation  # noqa: E402 - the programs that measure are no package
import ablation_page  # noqa: E402
import ablation_work  # noqa: E402
from ablation_arms import NETWORKS, PREPROCESSING, Folders, in_order  # noqa: E402
from ablation_page import Results  # noqa: E402
from ablation_work import SCORES  # noqa: E402

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
    assert ablation.main([*words, "--seeds", "0", *options]) == 0
    page = folders.out / "ablation.md"
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def rows_of(page: str) -> dict[str, list[str]]:
    return {line.split(" | ")[0].strip("| "): line.split(" | ") for line in page.splitlines() if line.startswith("| ")}


class Stopped:
    """What is asked after each step whether the program is to end."""

    def is_set(self) -> bool:
        return True


def test_what_is_done_is_kept_and_what_was_begun_is_resumed(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(folders, "--only", "unet", "--stages", "train")
    done = [folders.trained("unet-0"), folders.scores("unet-0"), folders.model("unet-0")]
    before = [file.read_bytes() for file in done]
    folders.scores("unet-0").unlink()
    with monkeypatch.context() as stopping:
        stopping.setattr(ablation_work.Until, "stopped", Stopped())
        compare(folders, "--only", "unet", "se-unet", "--stages", "train")
    assert not folders.trained("se-unet-0").exists(), "what is not finished is in no table"
    assert [event["event"] for event in read_events(folders.runs / "se-unet-0" / EVENTS_FILE)][-1] != "finished"

    page = compare(folders, "--only", "unet", "se-unet", "no random crops", "--stages", "train", "page")
    assert [done[0].read_bytes(), done[2].read_bytes()] == [before[0], before[2]], "not trained again"
    assert json.loads(done[1].read_bytes())["photographs"] == json.loads(before[1])["photographs"]
    events = read_events(folders.runs / "se-unet-0" / EVENTS_FILE)
    assert [event["step"] for event in events if event["event"] == "resumed"] == [1]
    assert {"unet", "se-unet", "no random crops"} <= set(rows_of(page))
    assert "This budget says nothing" in page
    assert "Do the parts" not in page
    for number in (1, 2, 3):
        with Image.open(folders.out / "images" / f"networks-{number}.webp") as picture:
            assert picture.width == 2 * 206


def results_of(folders: Folders, gains: dict[str, float]) -> Results:
    """Results as the program keeps them: three seeds, twelve photographs, and a gain of each arm."""
    random = np.random.default_rng(3)
    photographs, seeds = random.normal(0, 0.01, 12), random.normal(0, 0.0005, 3)
    found = Results(folders, [], [])
    for name, gain in gains.items():
        rows = [
            [{score: 0.8 + gain + seed + photo + random.normal(0, 0.0003) for score in SCORES} for photo in photographs]
            for seed in seeds
        ]
        found.tested[name] = {number: {"pooled": row[0], "photographs": row} for number, row in enumerate(rows)}
    return found


def test_the_page_says_what_helps_what_harms_and_what_does_nothing(folders: Folders) -> None:
    gains = {"unet": 0.0, "se-unet": 0.0, "res-unet": -0.02, "se-res-unet": -0.02, "r2-unet": 0.0, "serr-unet": 0.0}
    said = "\n".join(ablation_page.statement(results_of(folders, gains)))
    verdicts = {line.split("**")[1]: line for line in said.splitlines() if line.startswith("- **")}
    assert "makes no difference that can be seen here: AUC" in verdicts["Squeeze-and-excitation"]
    assert "(6 paired trainings) harms: AUC -0.0" in verdicts["The residual shortcut"]
    assert "(6 paired trainings) helps: AUC +0.0" in verdicts["Recurrence"]


def test_the_page_says_what_ran_where_and_which_pairs_are_of_two_devices(folders: Folders) -> None:
    found = results_of(folders, {"unet": 0.0, "se-unet": 0.0})
    assert "on one device" not in "\n".join(ablation_page.statement(found))
    for name in found.tested:
        found.trained[name] = {}
        for seed in range(3):
            device, torch = ("CPU", "2.13") if (name, seed) == ("unet", 2) else ("NVIDIA H200", "2.11")
            facts = {"device": device, "cores": 2, "torch": torch, "seconds": 120, "date": f"{seed + 1} May 2026"}
            found.trained[name][seed] = facts
    said = "\n".join(ablation_page.statement(found))
    assert "1 of these 3 pairs compare a training on one device with one on another" in said
    budget = ablation_page._budget(found, load_preset("strong"))
    assert "CPU (2 CPU cores, torch 2.13): 1 run, 2 minutes, 3 May 2026; NVIDIA H200" in budget
    assert "5 runs, 10 minutes, 1 May 2026 and 2 May 2026 and 3 May 2026" in budget


def test_every_network_has_one_seed_before_any_has_two() -> None:
    order = [(arm.name, seed) for arm, seed in in_order([*NETWORKS, *PREPROCESSING], [0, 1, 2])]
    once = len(NETWORKS) + len(PREPROCESSING)
    assert {seed for _, seed in order[:once]} == {0}
    assert len({name for name, _ in order[:once]}) == once
    tested = {arm.name for arm in NETWORKS if arm.early_seeds == 3}
    assert {name for name, _ in order[once : once + 2 * len(tested)]} == tested
    assert len(set(order)) == len(order) == 3 * once


def test_steps_fit_into_the_time() -> None:
    recipe, arms = load_preset("strong"), [arm for arm in NETWORKS if arm.name in {"unet", "serr-unet"}]
    few, many = (ablation.steps_that_fit(200, step_s, arms, recipe, 2) for step_s in (0.2, 0.015))
    assert few == ablation.FEWEST_STEPS < ablation.GOOD_STEPS <= many < ablation.MOST_STEPS
    assert many * 0.015 * (3 + 3 * 0.7) + 14 * 6 < 2 * 200 * 0.9


def test_fixed_places_cover_the_photograph() -> None:
    inside = np.ones((70, 61), np.bool_)
    sample = Sample.make("drawn", (np.zeros((1, 70, 61), np.float32),), np.zeros((70, 61), np.float32), inside)
    found = ablation_work.at_fixed_places(sample, 32)
    covered = np.zeros_like(inside)
    for row, column in zip(found.rows, found.columns, strict=True):
        covered[row - 16 : row + 16, column - 16 : column + 16] = True
    assert covered.all()
    assert len(found.rows) == 6
