"""``serr jobs`` and what ``serr train`` and ``serr models`` have for it: a training from its order to its model."""

import json
from pathlib import Path

import pytest

from core.jobs.store import find_job, read_job
from core.models.catalogue import DEFAULT_MODEL
from core.models.weights_header import read_card
from core.training.config import to_toml
from core.training.run_view import follow_run
from tests.cli.program import Serr
from tests.job_runs import recipe, wait_for, wait_for_step


@pytest.fixture
def config(tmp_path: Path, dataset: Path) -> Path:
    recipe(tmp_path, dataset)
    return tmp_path / "recipe.toml"


pytestmark = pytest.mark.usefixtures("job_store")


def test_from_an_order_to_a_model(serr: Serr, config: Path, weights: Path, tmp_path: Path) -> None:
    assert "no training jobs" in serr("jobs").out
    started = serr(
        *("jobs", "start", "--config", config, "--device", "cpu", "--name", "from small", "--from", weights),
        *("--notes", "for the clinic", "--steps", "1000", "--json"),
    )
    assert started.code == 0, started.err
    assert started.json["start_from"] == "small"
    job = find_job("from small")
    assert started.json["id"] == job.id
    wait_for_step(job, 5)
    shown = serr("jobs", "show", job.id, "--json").json
    assert (shown["state"], shown["steps"], shown["notes"]) == ("running", 1000, "for the clinic")
    assert shown["seconds_left"] > 0
    assert (shown["learned_from"], shown["held_out"]) == (2, 1)
    assert serr("jobs", "remove", "from small").code == 1

    assert "requested: pause" in serr("jobs", "pause", "from small").out
    wait_for(job, "paused")
    assert serr("jobs", "resume", "from small").code == 0
    wait_for_step(job, follow_run(job.run).step + 5)
    assert serr("jobs", "stop", "from small").code == 0
    wait_for(job, "done")
    text = serr("jobs", "show", "from small").out
    assert "best weights so far" in text
    assert "validation loss" in text
    assert "log.txt, the last lines" in text
    (listed,) = serr("jobs", "list", "--json").json
    assert (listed["state"], listed["name"]) == ("done", "from small")
    assert serr("jobs", "resume", "from small").code == 2

    added = serr("models", "add", listed["weights"], "--notes", "better")
    assert "photographs, " in added.sentences[0]
    assert "steps)" in added.sentences[0]
    assert f"{DEFAULT_MODEL} is used as before" in added.sentences[1]
    assert added.code == 0, added.err
    card = serr("models", "show", "from small", "--json").json
    assert card["notes"] == "better"
    assert card["trained_on"].startswith("small (")
    out = tmp_path / "out.safetensors"
    assert serr("models", "export", "from small", out).code == 0
    assert serr("models", "edit", "from small", "--name", "clinic").code == 0
    assert read_card(out).name == "from small"
    assert serr("models", "remove", "clinic").code == 0
    assert serr("models", "show", "clinic").code == 2
    assert serr("jobs", "remove", job.id).code == 0
    assert serr("jobs", "--json").json == []


def test_stop_by_force(serr: Serr, config: Path) -> None:
    assert serr("jobs", "start", "--config", config, "--device", "cpu").code == 0
    job = find_job("tiny")
    wait_for_step(job, 5)
    assert serr("jobs", "stop", "tiny", "--kill").code == 0
    assert read_job(job.folder).state in {"paused", "interrupted"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["show", "none"], 1, 'no training job "none"'),
        (["start", "--preset", "nonsense"], 2, "fine-tune"),
        (["start", "--from", "nonsense"], 2, "nonsense"),
        (["start", "--dataset", "nonsense"], 2, ".serr-dataset"),
        (["start", "--gpus", "2", "--device", "cpu"], 1, "not 2 graphics processors"),
    ],
)
def test_wrong_use_is_told_and_makes_no_job(serr: Serr, arguments: list[str], code: int, words: str) -> None:
    ran = serr("jobs", *arguments)
    assert ran.code == code
    (sentence,) = ran.sentences
    assert words in sentence
    assert serr("jobs", "--json").json == []


def test_an_estimate_is_measured_and_keeps_nothing(serr: Serr, config: Path, weights: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    ran = serr("train", "--config", config, "--from", weights, "--steps", "300", "--device", "cpu", "--estimate")
    assert ran.code == 0, ran.err
    assert "300 steps" in ran.out
    assert sorted(tmp_path.rglob("*")) == before
    values = serr("train", "--config", config, "--steps", "10", "--device", "cpu", "--estimate", "--json").json
    assert values["validations"] == 2
    parts = values["reading_s"] + 10 * values["step_s"] + 2 * values["validation_s"]
    assert values["total_s"] == pytest.approx(parts)
    assert 50e6 < values["memory_bytes"] < 100e9
    assert values["disk_bytes"] > 0


def test_a_run_in_the_foreground_obeys_its_control_file(serr: Serr, config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "control").write_text("stop")
    ran = serr("train", "--config", config, "--out", run, "--device", "cpu")
    assert ran.code == 130
    assert not (run / "control").exists()
    assert serr("train", "--config", config).code == 2


def test_a_recipe_is_kept_whole(serr: Serr, config: Path, job_store: Path) -> None:
    assert serr("jobs", "start", "--config", config, "--seed", "7", "--device", "cpu").code == 0
    (job,) = (json.loads(path.read_text()) for path in job_store.glob("*/job.json"))
    assert job["name"] == "tiny"
    (kept,) = job_store.glob("*/recipe.toml")
    from core.training.config import load_config

    assert kept.read_text(encoding="utf-8") == to_toml(load_config(config).replaced("run", seed=7))
