"""Weights files: what goes in comes out, and everything else is refused with a sentence that names the file."""

import atexit
import hashlib
import json
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from torch import nn

from core.errors import OutputError, WeightsError
from core.models.catalogue import find_model, list_models, load_model, user_models_folder
from core.models.deferred import DeferredModel, loaded
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, save_model
from core.models.weights_header import read_card
from core.networks.registry import build
from core.photo.recipe import Preprocessing
from tests.bad_outputs import BAD_OUTPUTS, BadOutput
from tests.small_model import save_small_model

ROOT = Path(__file__).resolve().parents[2]

CONFIG: dict[str, object] = {"in_channels": 1, "width": 4, "depth": 2, "steps": 1, "reduction": 2}


def network(seed: int = 0) -> nn.Module:
    """A small network with settled normalisation statistics, so that every tensor matters."""
    torch.manual_seed(seed)
    module = build("serr-unet", CONFIG)
    module.train()
    with torch.no_grad():
        module(torch.randn(2, 1, 32, 32))
    return module.eval()


def card(name: str = "small", **changes: object) -> ModelCard:
    first = ModelCard(
        name=name,
        architecture="serr-unet",
        config=CONFIG,
        preprocessing=Preprocessing(gamma=1.5, fov_diameter_px=720.0),
        trained_on="drawn photographs",
        training={"steps": 10, "rates": (0.1, 0.01), "auc": float("nan")},
        seeds=(0, 7),
        default_threshold=113 / 256,
        scores=({"auc_roc": 0.5, "protocol": "none"},),
        licence="CC0-1.0",
        notes="für Prüfungen",
    )
    return replace(first, **changes)  # type: ignore[arg-type]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, and no bundled models."""
    folder = tmp_path / "Modèles of mine"
    folder.mkdir()
    monkeypatch.setenv("SERR_MODELS", str(folder))
    return folder


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray], dict[str, object]], None], *, resign: bool) -> None:
    """Change tensors or card of a weights file behind its back; ``resign`` puts the right hash into the card again."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    document = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["serr_model"])
    tensors = {name: array.copy() for name, array in load(data).items()}
    change(tensors, document)
    if resign:
        document["card"]["sha256"] = independent_sha256(tensors)
    path.write_bytes(save(tensors, metadata={"serr_model": json.dumps(document)}))


def independent_sha256(tensors: dict[str, np.ndarray]) -> str:
    parts = []
    for name, array in sorted(tensors.items()):
        parts += [name.encode(), b"\0", str(array.dtype).encode(), b"\0", str(array.shape).encode(), b"\0"]
        parts.append(array.tobytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def outputs(model: LoadedModel | nn.Module) -> torch.Tensor:
    module = model.module if isinstance(model, LoadedModel) else model
    torch.manual_seed(5)
    with torch.inference_mode():
        result: torch.Tensor = module(torch.randn(1, 1, 24, 40))
    return result


def test_a_saved_model_comes_back_bit_for_bit_with_its_card(tmp_path: Path) -> None:
    module = network()
    path = save_model(tmp_path / "Gewichte – 1.safetensors", module, card())
    model = load_model(path)
    assert torch.equal(outputs(model), outputs(module))
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert model.sha256 == model.card.sha256 == independent_sha256(load(path.read_bytes()))
    assert model.card.created
    assert replace(model.card, sha256="", created="", version="") == card()
    assert model.card.training == {"steps": 10, "rates": [0.1, 0.01], "auc": None}
    assert model.card.rule.level == 113
    assert model.card.rule.origin == "model"


def test_the_same_weights_and_card_give_the_same_file(tmp_path: Path) -> None:
    made = card(created="2026-01-01T00:00:00+00:00")
    first = save_model(tmp_path / "a.safetensors", network(), made).read_bytes()
    assert first == save_model(tmp_path / "b.safetensors", network(), made).read_bytes()


def test_half_precision_takes_half_the_room_and_computes_in_float32(tmp_path: Path) -> None:
    module = build("serr-unet", {"width": 16, "depth": 2}).eval()
    made = card(config={"width": 16, "depth": 2})
    whole = save_model(tmp_path / "whole.safetensors", module, made)
    half = save_model(tmp_path / "half.safetensors", module, made, half=True)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    loaded = load_model(half)
    assert {p.dtype for p in loaded.module.parameters()} == {torch.float32}
    largest = float((outputs(loaded) - outputs(module)).abs().max())
    assert 0.0 < largest < 0.02 * float(outputs(module).abs().max())


def test_threads_that_need_a_deferred_model_at_once_get_the_same_one(tmp_path: Path) -> None:
    deferred = DeferredModel(save_model(tmp_path / "small.safetensors", network(), card()))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: loaded(deferred), range(4)))
    assert len({id(model) for model in found}) == 1
    assert found[0].card == deferred.card


def test_loading_does_not_depend_on_the_random_state_and_leaves_it_alone(tmp_path: Path) -> None:
    path = save_model(tmp_path / "m.safetensors", network(), card())
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_model(path)
    assert torch.equal(torch.rand(3), expected)


def test_models_are_listed_and_found_by_name(models: Path) -> None:
    save_model(models / "z.safetensors", network(1), card("alpha"))
    save_model(models / "a.safetensors", network(2), card("beta"))
    (models / "damaged.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    (models / "notes.txt").write_text("no model")

    notes: list[str] = []

    class Notes:
        def step(self, progress: object) -> None: ...

        def note(self, message: str) -> None:
            notes.append(message)

    mine = [entry for entry in list_models(monitor=Notes()) if not entry.bundled]
    assert [(entry.card.name, entry.path.name) for entry in mine] == [
        ("alpha", "z.safetensors"),
        ("beta", "a.safetensors"),
    ]
    assert len(notes) == 1
    assert "damaged.safetensors" in notes[0]
    assert load_model("beta").path == models / "a.safetensors"
    with pytest.raises(WeightsError, match=r"no model named \"gamma\".*alpha, beta"):
        load_model("gamma")


def test_two_different_models_of_one_name_are_no_silent_choice(models: Path) -> None:
    save_model(models / "one.safetensors", network(1), card("same"))
    save_model(models / "copy.safetensors", network(1), card("same"))
    assert find_model("same") == models / "copy.safetensors"
    save_model(models / "two.safetensors", network(2), card("same"))
    with pytest.raises(WeightsError, match=r"different models named \"same\".*two\.safetensors"):
        find_model("same")


def test_listing_needs_no_torch(models: Path) -> None:
    save_model(models / "one.safetensors", network(), card("quick"))
    program = (
        "import sys; from core.models.catalogue import list_models\n"
        "assert 'quick' in [e.card.name for e in list_models()]\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_no_user_folder_is_no_error_and_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path / "none"))
    assert user_models_folder() == tmp_path / "none"
    assert all(entry.bundled for entry in list_models())
    assert not (tmp_path / "none").exists()


class _Bomb:
    """Running code when unpickled is what makes pickle unsafe; this one would leave a file."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.target, "w")


@pytest.mark.parametrize("name", ["m.pth", "m.pt", "m.pkl", "m.ckpt", "m.safetensors", "no suffix", "m.PTH"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_pickle_is_refused_by_name_and_by_content_and_never_run(tmp_path: Path, name: str, kind: str) -> None:
    path, target = tmp_path / name, tmp_path / "exploded"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(_Bomb(str(target))))
    else:
        torch.save({"bomb": _Bomb(str(target))}, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(WeightsError, match=r"can run any program.*\.safetensors"):
        load_model(path)
    assert not target.exists()


def _cut(keep: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)]) and None


def _replace(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _in_card(resign: bool = True, **values: object) -> Callable[[Path], None]:
    return lambda path: rewrite(path, lambda _, document: document["card"].update(values), resign=resign)  # type: ignore[attr-defined]


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))


def _nan(tensors: dict[str, np.ndarray], document: dict[str, object]) -> None:
    tensors["head.weight"][0, 0] = np.nan


def _missing(tensors: dict[str, np.ndarray], document: dict[str, object]) -> None:
    del tensors["head.bias"]


def _newer(tensors: dict[str, np.ndarray], document: dict[str, object]) -> None:
    document["format_version"] = 99


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "does not exist"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    "empty": (_replace(b""), "not a weights file"),
    "a few bytes": (_replace(b"abc"), "not a weights file"),
    "text": (_replace(b"these are no weights at all" * 100), "not a weights file"),
    "picture": (_replace(b"\x89PNG\r\n\x1a\n" + bytes(1000)), "not a weights file"),
    "huge header claimed": (_replace((1 << 60).to_bytes(8, "little") + b"{}"), "not a weights file"),
    "deep JSON": (_replace((200_000).to_bytes(8, "little") + b"[" * 200_000), "not a weights file"),
    "safetensors without card": (_replace(save({"a": np.zeros(3)})), "not a weights file"),
    "cut in the header": (_cut(0.01), "damaged: it ends too early"),
    "cut in the tensors": (_cut(0.9), "damaged: it should have"),
    "one bit": (_flip_a_bit, "damaged: its tensors have the SHA-256"),
    "one value, card untouched": (lambda p: rewrite(p, lambda t, _: t["head.bias"].fill(1), resign=False), "SHA-256"),
    "not a number": (lambda p: rewrite(p, _nan, resign=True), "not finite numbers.*head.weight"),
    "a tensor less": (lambda p: rewrite(p, _missing, resign=True), "does not fit.*head.bias.*found none"),
    "wrong shapes": (_in_card(config=CONFIG | {"width": 8}), "does not fit the network"),
    "impossible size": (_in_card(config=CONFIG | {"width": 512, "depth": 6}), "does not fit the network"),
    "unknown network": (_in_card(architecture="transformer-9000"), "cannot be built.*transformer-9000"),
    "unknown setting": (_in_card(config=CONFIG | {"attention": True}), "cannot be built.*attention"),
    "unknown step in the recipe": (_in_card(preprocessing={"superresolution": 2}), "cannot be used.*superresolution"),
    "planes that contradict": (_in_card(preprocessing={"colour": "rgb"}), "contradicts itself"),
    "threshold off the grid": (_in_card(default_threshold=0.3), "damaged.*default_threshold"),
    "a style off the grid": (_in_card(styles=[{"name": "DRIVE", "level": 300}]), "damaged.*300"),
    "two styles of one name": (_in_card(styles=[{"name": "A", "level": 3}, {"name": "A", "level": 4}]), "same name"),
    "styles of wrong type": (_in_card(styles={"DRIVE": 80}), "damaged.*styles"),
    "card of wrong type": (_in_card(config="serr-unet"), "damaged.*config"),
    "no recipe": (_in_card(preprocessing=None), "damaged"),
    "newer format": (lambda p: rewrite(p, _newer, resign=True), "newer version.*update"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_bad_files_get_one_sentence_with_the_name_of_the_file(tmp_path: Path, damage: str) -> None:
    path = save_model(tmp_path / "Netz.safetensors", network(), card())
    spoil, words = DAMAGE[damage]
    spoil(path)
    with pytest.raises(WeightsError, match=words) as caught:
        load_model(path)
    assert "Netz.safetensors" in str(caught.value)


@cache
def _sound_file() -> tuple[Path, bytes, str]:
    path = save_model(Path(tempfile.mkdtemp(prefix="serr-fuzz-")) / "sound.safetensors", network(), card())
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path, path.read_bytes(), load_model(path).sha256


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.integers(0, 4000), st.integers(0, 40_000)), st.binary(min_size=1, max_size=20))
def test_whatever_happens_to_the_bytes_gives_the_same_weights_or_a_sentence(at: int, junk: bytes) -> None:
    path, sound, sha256 = _sound_file()
    data = bytearray(sound)
    data[at : at + len(junk)] = junk
    fuzzed = path.with_name("fuzzed.safetensors")
    fuzzed.write_bytes(data)
    try:
        model = load_model(fuzzed)
    except WeightsError:
        return
    assert model.sha256 == sha256


def test_newer_keys_of_the_card_are_no_obstacle(tmp_path: Path) -> None:
    path = save_model(tmp_path / "m.safetensors", network(), card())
    _in_card(doi="10.1/1")(path)
    assert read_card(path).name == "small"


@pytest.mark.parametrize(
    "values", [{"name": "a/b"}, {"name": ""}, {"default_threshold": 1.0}, {"default_threshold": 0.1}]
)
def test_a_card_states_only_what_can_be(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"name of a model|default_threshold"):
        card(**values)


def test_weights_that_are_not_numbers_are_not_written(tmp_path: Path) -> None:
    module = network()
    next(module.parameters()).data[0] = float("inf")
    with pytest.raises(WeightsError, match="not finite"):
        save_model(tmp_path / "m.safetensors", module, card())
    large = network()
    next(large.parameters()).data.fill_(1e6)  # fine as float32, infinite as float16
    with pytest.raises(WeightsError, match="not finite"):
        save_model(tmp_path / "m.safetensors", large, card(), half=True)
    with pytest.raises(WeightsError, match=r"\.safetensors"):
        save_model(tmp_path / "m.pth", large, card())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", BAD_OUTPUTS, ids=lambda bad: bad.name)
def test_a_failed_save_says_so_and_leaves_nothing(tmp_path: Path, bad: BadOutput) -> None:
    with bad.open(tmp_path) as folder, pytest.raises(OutputError, match=r"m\.safetensors"):
        save_model(folder / "m.safetensors", network(), card())
    left = [path for path in tmp_path.rglob("*") if "safetensors" in path.name]
    assert left == []


def test_a_file_for_another_task_is_never_a_model_of_vessels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    path = save_small_model(tmp_path / "sharp.safetensors", "sharp", task="enhancement")
    assert "sharp" not in {entry.card.name for entry in list_models()}
    others = {entry.card.name for entry in list_models(task="enhancement")}
    assert "sharp" in others
    assert all(name == "sharp" or name.startswith("serr-enhance-") for name in others)
    with pytest.raises(WeightsError, match=r"sharp.* enhances photographs and finds no vessels"):
        load_model(path)
    assert load_model(path, task="enhancement").card.task == "enhancement"
    with pytest.raises(ValueError, match="task must be"):
        save_small_model(tmp_path / "other.safetensors", "other", task="anything")


def test_loading_and_running_a_model_does_not_load_torchs_compiler() -> None:
    """It takes a second, and work on the meta device would import it."""
    program = (
        "import sys; from core.datasets.synthetic import draw_case; from core.models.catalogue import load_model;"
        "from core.segment import segment_photo; segment_photo(draw_case(1, 96).image, load_model());"
        "print('torch._dynamo' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
