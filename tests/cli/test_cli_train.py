"""``serr train`` on drawn photographs: the run, its result, Ctrl+C and resume, wrong use."""

import json
import os
import signal
import sys
import time
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from core.datasets.dataset_file import write_dataset_file
from core.datasets.recognise import recognise
from core.datasets.synthetic import draw_case, write_drive_layout
from tests.cli.program import Serr, start

RECIPE = """
[data]
validation_photos = 1
[network]
config = { width = 4, depth = 2 }
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = 6
batch = 2
crop_px = 48
precision = "fp32"
[run]
validate_every = 3
threads = 1
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    write_drive_layout(root, 3, side=112)
    return root


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_a_run_ends_in_a_weights_file_that_the_program_can_use(
    serr: Serr, tmp_path: Path, drawn: Path, recipe: Path
) -> None:
    run = tmp_path / "a run"
    ran = serr(
        *("train", "--root", drawn, "--out", run, "--config", recipe, "--seed", "3", "--device", "cpu", "--json")
    )
    assert ran.code == 0, ran.err
    weights = Path(ran.json["weights"])
    assert weights.is_file()
    assert ran.json["best_step"] in {3, 6}

    card = serr("models", "show", weights, "--json").json
    assert card["seeds"] == [3]
    assert card["training"]["optimisation"]["steps"] == 6
    shown = serr("models", "show", weights)
    assert shown.code == 0
    assert card["sha256"] in shown.out

    again = serr("train", "--root", drawn, "--out", run, "--config", recipe)
    assert again.code == 1
    assert "--resume" in again.sentences[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Slurm is for Linux")
def test_an_installed_slurm_that_is_not_used_changes_nothing(
    serr: Serr, tmp_path: Path, drawn: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "srun"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    recipe.write_text(RECIPE.replace("steps = 6", "steps = 1"))
    ran = serr("train", "--root", drawn, "--out", tmp_path / "run", "--config", recipe, "--device", "cpu")
    assert ran.code == 0, ran.err
    assert "srun" not in ran.out + ran.err


def test_a_last_fit_that_holds_out_nothing_says_so_wherever_figures_are_asked_for(
    serr: Serr, tmp_path: Path, drawn: Path, recipe: Path
) -> None:
    found = recognise(drawn / "DRIVE").dataset
    own = write_dataset_file(tmp_path / "own.serr-dataset", found)
    recipe.write_text(RECIPE.replace("validation_photos = 1", "validation_photos = 0"))
    options = ("--config", recipe, "--dataset", own, "--device", "cpu")
    measured = serr("train", "--estimate", "--json", *options)
    assert measured.code == 0, measured.err
    assert measured.json["validations"] == 2
    ran = serr("train", "--out", tmp_path / "run", *options)
    assert ran.code == 0, ran.err
    weights = ran.out.splitlines()[0]
    assert "No photographs were held out" in ran.out
    compared = serr("models", "compare", weights, weights, "--dataset", own, "--split", "validation")
    assert compared.code == 1
    assert "no photographs in its validation part" in compared.sentences[0]
    assert "training (" in compared.sentences[0]
    seen = serr("models", "compare", weights, weights, "--dataset", own, "--split", "training", "--device", "cpu")
    assert f"has seen {found.count('training')} of these" in seen.out


def test_a_folder_of_ones_own_is_trained_on_and_keeps_the_other_fields_of_the_recipe(
    serr: Serr, tmp_path: Path, recipe: Path
) -> None:
    eyes = tmp_path / "my eyes"
    for number in range(3):
        case = draw_case(number, 112)
        for name, pixels in (("images", case.image.rgb), ("labels", case.label.vessel)):
            (eyes / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(eyes / name / f"{number}.png")
    ran = serr(
        *("train", "--root", tmp_path, "--dataset", "./my eyes", "--out", tmp_path / "run", "--config", recipe),
        *("--device", "cpu", "--json"),
    )
    assert ran.code == 0, ran.err
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert config["data"]["sources"][0]["validation_photos"] == 1
    assert Path(ran.json["weights"]).name == "serr-unet-my-eyes.safetensors"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--preset", "general", "--config", "mine.toml"], 2, ["--config", "--preset"]),
        (["--preset", "weak"], 2, ["weak", "general, paper, strong", "serr-unet-drive"]),
        (["--dataset", "./nowhere"], 1, ["nowhere"]),
        (["--dataset", "messidor"], 2, ["messidor", "drive, stare, chase_db1, hrf"]),
        (["--device", "tpu"], 2, ["tpu", "cuda"]),
        (["--config", "missing.toml"], 1, ["missing.toml"]),
    ],
)
def test_what_cannot_be_trained_is_said(
    serr: Serr, tmp_path: Path, drawn: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    ran = serr("train", "--root", drawn, "--out", tmp_path / "run", *arguments)
    assert ran.code == code
    assert ran.out == ""
    (sentence,) = ran.sentences
    assert all(word in sentence for word in words), sentence
    assert not (tmp_path / "run").exists()


def test_a_recipe_with_a_wrong_field_is_refused_by_its_name(
    serr: Serr, tmp_path: Path, drawn: Path, recipe: Path
) -> None:
    recipe.write_text(RECIPE.replace("batch = 2", "batches = 2"))
    ran = serr("train", "--root", drawn, "--out", tmp_path / "run", "--config", recipe)
    assert ran.code == 1
    assert "optimisation.batches" in ran.sentences[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to consoles, not to processes")
def test_ctrl_c_keeps_the_run_and_resume_ends_it(serr: Serr, tmp_path: Path, drawn: Path, recipe: Path) -> None:
    run = tmp_path / "run"
    recipe.write_text(RECIPE.replace("steps = 6", "steps = 100000"))
    process = start("train", "--root", drawn, "--out", run, "--config", recipe, "--device", "cpu")
    events = run / "events.jsonl"
    while process.poll() is None and not (events.is_file() and '"validated"' in events.read_text()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1].startswith("serr: cancelled.")
    assert "--resume" in err
    assert "Traceback" not in err

    refused = serr("train", "--root", drawn, "--out", run, "--resume", "--steps", "9")
    assert refused.code == 2
    assert "--steps" in refused.sentences[0]

    # Let the run end at the step after its last checkpoint.
    done = [json.loads(line) for line in events.read_text().splitlines()]
    last = max(event["step"] for event in done if event["event"] == "validated")
    config = run / "config.toml"
    config.write_text(config.read_text().replace("steps = 100000", f"steps = {last + 1}"))
    ended = serr("train", "--root", drawn, "--out", run, "--resume", "--device", "cpu")
    assert ended.code == 0, ended.err
    assert Path(ended.out.splitlines()[0]).is_file()


def test_another_network_is_chosen_by_name_and_fields(serr: Serr, tmp_path: Path, drawn: Path, recipe: Path) -> None:
    out = tmp_path / "run"
    given = ("train", "--root", drawn, "--out", out, "--config", recipe, "--steps", "2", "--device", "cpu", "--json")
    ran = serr(*given, "--architecture", "attention-unet", "--network", "width=4", "--network", "upsampling=nearest")
    assert ran.code == 0, ran.err
    shown = serr("models", "show", ran.json["weights"], "--json").json
    assert shown["architecture"] == "attention-unet"
    assert shown["config"] == {"in_channels": 1, "width": 4, "depth": 3, "upsampling": "nearest", "patch_px": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--architecture", "u-net"), "choose one of: serr-unet, unet, res-unet"),
        (("--architecture", "unet", "--network", "steps=2"), "'unet' is wrong at 'steps'"),
        (("--network", "width"), "is not FIELD=VALUE"),
        (("--from", "serr-unet-drive", "--architecture", "unet"), "keeps its network"),
    ],
)
def test_networks_that_cannot_be_trained_are_refused(
    serr: Serr, tmp_path: Path, drawn: Path, options: tuple[str, ...], words: str
) -> None:
    ran = serr("train", "--root", drawn, "--out", tmp_path / "run", *options)
    assert ran.code in {1, 2}
    assert words in " ".join(ran.err.split())
    assert not (tmp_path / "run").exists()


def test_the_networks_are_listed_with_parameters_and_arithmetic(serr: Serr) -> None:
    listed = serr("models", "architectures", "--json").json
    assert [one["name"] for one in listed][:2] == ["serr-unet", "unet"]
    assert listed[1]["published"]["parameters"] == 31_036_481
    text = serr("models", "architectures").out
    assert all(one["publication"] in text for one in listed)
