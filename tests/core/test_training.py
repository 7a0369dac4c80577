"""The training loop: resume, the held-out part, FOV-only losses, crops, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import InputError, LabelError, TrainingError
from core.inference.device import choose_device, fastest_precision
from core.models.catalogue import load_model
from core.photo.preprocessing import prepare
from core.photo.recipe import Preprocessing
from core.progress import Cancelled, Progress
from core.training.augmentation import Sample, random_crop
from core.training.config import AugmentationSection, TrainingConfig, load_config, load_preset, presets, to_toml
from core.training.events import EventLog, read_events
from core.training.loop import EVENTS_FILE, fabric_for, train
from core.training.processes import own_slots, precision_of
from core.training.schedule import one_cycle

TINY = """
[data]
validation_photos = 1
[network]
config = { width = 4, depth = 2 }
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = {steps}
batch = 2
crop_px = 48
precision = "fp32"
ema_decay = 0.8
[run]
validate_every = 4
threads = 1
"""


def tiny_config(tmp_path: Path, steps: int = 12) -> TrainingConfig:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.replace("{steps}", str(steps)))
    return load_config(path)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    write_drive_layout(root, 4, side=112)
    return root


def curve(run: Path) -> list[tuple[int, float, float]]:
    """(step, training loss, validation AUC) of every validation."""
    return [
        (event["step"], event["training_loss"], event["validation"]["auc_roc"])
        for event in read_events(run / EVENTS_FILE)
        if event["event"] == "validated"
    ]


def test_killed_run_resumes_to_the_same_curve_and_weights(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=24)
    whole = train(config, drawn, tmp_path / "whole", device="cpu")

    # The same run in a process of its own, killed without warning after a checkpoint or two.
    script = (
        "import sys; from pathlib import Path; from core.training.config import load_config;"
        "from core.training.loop import train;"
        "train(load_config(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), device='cpu')"
    )
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "tiny.toml"), str(drawn), str(killed)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    deadline = time.monotonic() + 120
    while len(curve(killed)) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    assert 2 <= len(curve(killed)) < 6, "the run was to be killed on its way"
    with (killed / EVENTS_FILE).open("a") as file:
        file.write('{"event": "validated", "step": 9999, "trai')  # what a kill in the middle of a line leaves

    resumed = train(config, drawn, killed, resume=True, device="cpu")
    assert curve(killed) == curve(tmp_path / "whole")
    assert [event["event"] for event in read_events(killed / EVENTS_FILE)].count("resumed") == 1
    one, other = load_model(whole.weights), load_model(resumed.weights)
    assert one.sha256 == other.sha256


def test_training_learns_and_the_card_says_how(tmp_path: Path, drawn: Path) -> None:
    result = train(tiny_config(tmp_path, steps=60), drawn, tmp_path / "run", device="cpu")
    steps = curve(tmp_path / "run")
    assert result.best.auc_roc == max(auc for _, _, auc in steps)
    assert result.best.auc_roc > 0.8, "drawn vessels are easy"
    model = load_model(result.weights)
    assert model.card.default_threshold == result.best.level / 256
    held_out = next(e for e in read_events(tmp_path / "run" / EVENTS_FILE) if e["event"] == "started")["validation"]
    assert len(held_out) == 1
    assert held_out[0] in model.card.trained_on
    assert model.card.preprocessing == tiny_config(tmp_path).preprocessing
    assert (np.full(4, 1e-40, np.float32) / 2 > 0).all(), "the caller's arithmetic still knows denormal numbers"


def test_a_last_fit_learns_from_every_photograph_and_its_card_says_so(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=4).replaced("data", sources=[{"validation_photos": 0}])
    result = train(config, drawn, tmp_path / "run", device="cpu")
    started = next(e for e in read_events(tmp_path / "run" / EVENTS_FILE) if e["event"] == "started")
    assert len(started["training"]) == 4
    assert started["validation"] == []
    card = load_model(result.weights).card
    assert card.default_threshold == result.best.level / 256
    assert "4 photographs to learn from, none held out" in card.trained_on
    assert "the same photographs that it learned from" in str(card.scores[0]["protocol"])


def test_a_missing_compiler_is_said_in_a_sentence(tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    config = tiny_config(tmp_path).replaced("run", compile=True)
    with pytest.raises(TrainingError, match=r"no C\+\+ compiler.*compile = false"):
        train(config, drawn, tmp_path / "run", device="cpu")


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=4)
    train(config, drawn, tmp_path / "run", device="cpu")
    with pytest.raises(TrainingError, match="already holds a training run"):
        train(config, drawn, tmp_path / "run", device="cpu")


def test_damaged_checkpoint_is_named(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=4)
    train(config, drawn, tmp_path / "run", device="cpu")
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors is damaged"):
        train(config, drawn, tmp_path / "run", resume=True, device="cpu")


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        ("empty label", LabelError, "02_manual1.gif"),
        ("label of another size", LabelError, "02_manual1.gif"),
        ("missing label", InputError, "02_manual1.gif"),
    ],
)
def test_data_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, damage: str, error: type[Exception], words: str
) -> None:
    label = write_drive_layout(tmp_path, 3, side=96) / "training" / "1st_manual" / "02_manual1.gif"
    if damage == "empty label":
        Image.fromarray(np.zeros((96, 96), np.uint8)).save(label)
    elif damage == "label of another size":
        Image.fromarray(np.tile(np.uint8([[0, 255]]), (90, 45))).save(label)
    else:
        label.unlink()
    with pytest.raises(error, match=words):
        train(tiny_config(tmp_path), tmp_path, tmp_path / "run", device="cpu")


def test_too_few_photographs(tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 1, side=96)
    with pytest.raises(TrainingError, match="none is left to learn from"):
        train(tiny_config(tmp_path), tmp_path, tmp_path / "run", device="cpu")


def sample() -> Sample:
    case = draw_case(5, 160)
    prepared = prepare(case.image, case.fov, Preprocessing(fov_diameter_px=0))
    top, left, bottom, right = prepared.box
    return Sample.make("drawn", (prepared.planes,), case.label.vessel[top:bottom, left:right], prepared.inside)


def test_a_crop_is_a_pure_function_of_its_key() -> None:
    samples = [sample()]
    part = AugmentationSection()
    first = random_crop([samples], 64, part, (0, 7, 1))
    again = random_crop([samples], 64, part, (0, 7, 1))
    other = random_crop([samples], 64, part, (0, 7, 2))
    assert np.array_equal(first.planes, again.planes)
    assert np.array_equal(first.label, again.label)
    assert not np.array_equal(first.planes, other.planes)


def test_image_label_and_field_of_view_of_a_crop_move_together() -> None:
    """With the label as the picture itself, the crop's plane and label must agree wherever neither is at an edge."""
    base = sample()
    planes = (base.label * 2.0 - 1.0)[None] * base.inside
    twin = Sample(base.name, (planes,), base.label, base.inside, base.rows, base.columns)
    still = AugmentationSection(log_gamma=0, log_contrast=0, brightness=0, noise_sd=0, blur_sd_px=0)
    seen = 0
    for slot in range(20):
        crop = random_crop([[twin]], 64, still, (3, 0, slot))
        certain = (np.abs(crop.planes[0]) > 0.99) & (crop.inside[0] > 0)
        assert np.array_equal(crop.planes[0][certain] > 0, crop.label[0][certain] > 0)
        assert not crop.label[0][crop.inside[0] == 0].any()
        seen += int(certain.sum())
    assert seen > 10_000


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(step, 100, 1e-2, 0.2) for step in range(100)]
    assert max(rates) == rates[20] == 1e-2
    assert rates[0] == pytest.approx(1e-2 / 25)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[-1] < 1e-4


def test_config_survives_toml_and_says_what_its_fields_mean(tmp_path: Path) -> None:
    config = TrainingConfig().replaced("optimisation", steps=77).replaced("run", seed=5, name="two  spaces, it's # Ü")
    several = TrainingConfig().replaced("data", sources=[{"dataset": "drive"}, {"dataset": "eyes/of mine"}])
    path = tmp_path / "config.toml"
    for each in (config, several, *(load_preset(name) for name in presets())):
        path.write_text(to_toml(each), encoding="utf-8")
        assert load_config(path) == each
    text = to_toml(config)
    assert "# of the weights, the split and every random choice\nseed = 5\n" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[optimisation]\nsteps = 0\n", "optimisation.steps"),
        ("[optimisation]\nstepps = 10\n", "optimisation.stepps"),
        ("[augmentation]\nrotation_deg = 'much'\n", "augmentation.rotation_deg"),
        ("not toml at all [", "is not a TOML file"),
    ],
)
def test_wrong_configuration_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=words) as caught:
        load_config(path)
    assert "wrong.toml" in str(caught.value)


def test_event_log_drops_what_came_after_a_checkpoint(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in (0, 5, 10):
        log.write("validated", step=step)
    log.write("finished", step=5)
    log.cut_after(5)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 5]
    # Kept at step 5 when its validation was still to come, which a killed process then wrote and did not keep.
    log.write("learned", step=5)
    log.cut_after(5, validated=0)
    assert [(event["event"], event["step"]) for event in read_events(tmp_path / "events.jsonl")] == [
        ("validated", 0),
        ("learned", 5),
    ]


def test_a_run_ends_when_nothing_gets_better_and_resuming_ends_it_again(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=400).replaced("optimisation", patience=2, peak_rate=1e-9, ema_decay=0.0)
    result = train(config, drawn, tmp_path / "run", device="cpu")
    events = read_events(tmp_path / "run" / EVENTS_FILE)
    (stop,) = [event for event in events if event["event"] == "stopped_early"]
    assert stop["step"] - result.best_step == 8, "two validations of four steps each"
    again = train(config, drawn, tmp_path / "run", resume=True, device="cpu")
    assert curve(tmp_path / "run")[-1][0] == stop["step"]
    assert load_model(again.weights).sha256 == load_model(result.weights).sha256


def test_the_last_weights_are_kept_beside_the_best(tmp_path: Path, drawn: Path) -> None:
    result = train(tiny_config(tmp_path), drawn, tmp_path / "run", device="cpu")
    finished = read_events(tmp_path / "run" / EVENTS_FILE)[-1]
    best, last = load_model(result.weights), load_model(tmp_path / "run" / finished["last"])
    assert last.card.name == f"{best.card.name}-last"
    assert "last step (12)" in last.card.notes
    assert (best.sha256 == last.sha256) == (result.best_step == 12)


def test_half_precision_learns_and_resumes(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=12).replaced("optimisation", precision="fp16", crop_px=32)
    whole = train(config, drawn, tmp_path / "whole", device="cpu")
    assert curve(tmp_path / "whole")[-1][1] < curve(tmp_path / "whole")[0][1], "the loss falls"

    class Pause:
        def step(self, progress: Progress) -> None:
            if progress.stage.startswith("Training") and progress.done == 5:
                raise Cancelled

        def note(self, message: str) -> None: ...

    with pytest.raises(Cancelled):
        train(config, drawn, tmp_path / "paused", device="cpu", monitor=Pause())
    resumed = train(config, drawn, tmp_path / "paused", resume=True, device="cpu")
    assert load_model(resumed.weights).sha256 == load_model(whole.weights).sha256


def test_the_curves_for_tensorboard_are_those_of_the_log(tmp_path: Path, drawn: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = tiny_config(tmp_path).replaced("run", tensorboard=True, log_every=2)
    train(config, drawn, tmp_path / "run", device="cpu")
    seen = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    seen.Reload()
    events = read_events(tmp_path / "run" / EVENTS_FILE)
    for tag, kind, value in (
        ("training/loss", "learned", lambda event: event["training_loss"]),
        ("validation/auc_roc", "validated", lambda event: event["validation"]["auc_roc"]),
    ):
        points = [(point.step, point.value) for point in seen.Scalars(tag)]
        said = [(event["step"], pytest.approx(value(event))) for event in events if event["event"] == kind]
        assert points == said


def test_two_processes_learn_what_one_learns(tmp_path: Path, drawn: Path) -> None:
    config = tiny_config(tmp_path, steps=8).replaced("optimisation", batch=4, loss="bce_dice")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(to_toml(config), encoding="utf-8")
    one = train(config, drawn, tmp_path / "one", device="cpu")

    # By number, not --standalone: where no file names this computer, torchrun would look for it for minutes.
    here = ["--nnodes=1", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
    launch = [sys.executable, "-m", "torch.distributed.run", *here, "--nproc-per-node", "2"]
    command = ["-m", "core.cli", "train", "--root", drawn, "--out", tmp_path / "two", "--config", recipe]
    done = subprocess.run(
        [*launch, *map(str, command), "--device", "cpu", "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["best_step"] == one.best_step, "one of the two speaks, and only once"
    for alone, together in zip(curve(tmp_path / "one"), curve(tmp_path / "two"), strict=True):
        assert alone[0] == together[0]
        assert alone[1:] == pytest.approx(together[1:], rel=1e-4)


def test_training_uses_the_number_format_that_the_processor_is_fastest_in() -> None:
    fastest = fastest_precision(choose_device("cpu"))
    assert precision_of(fabric_for(TrainingConfig(), "cpu")) == fastest


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    class Three:
        world_size, global_rank = 3, 1

    assert list(own_slots(6, Three())) == [2, 3]
    with pytest.raises(TrainingError, match="4 crops cannot be divided among 3 processes"):
        own_slots(4, Three())
