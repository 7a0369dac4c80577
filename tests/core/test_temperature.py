"""A temperature travels in the weights file, makes probabilities mean more, and leaves every mask as it was."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from core.datasets.synthetic import draw_case
from core.errors import InputError, WeightsError
from core.evaluation.calibration import Calibration, fit_temperature
from core.inference.options import InferenceOptions
from core.models.temperature import Temperature
from core.models.weights_file import read_model
from core.models.weights_header import FORMAT_VERSION, read_card, with_card
from core.photo.reading import read_fundus
from core.replay import replay_sidecar
from core.results import model_differences
from core.segment import segment_photo
from core.sidecar import read_sidecar
from tests.small_model import save_small_model

OPTIONS = InferenceOptions(precision="fp32")


def _version(path: Path) -> int:
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return int(json.loads(header["__metadata__"]["serr_model"])["format_version"])


@given(st.floats(0.3, 3), st.integers(3, 253), st.integers(0, 1000))
def test_the_threshold_moves_with_the_probabilities(temperature: float, level: int, seed: int) -> None:
    scaling, moved = Temperature.keeping(level, temperature)
    random = np.random.default_rng(seed)
    near = level / 256 + random.normal(0, 1e-4, 200)
    near = near[np.abs(near - level / 256) > 1e-6]  # nearer than that a float32 may be rounded to the threshold
    values = np.concatenate([random.random(200), near, [0, 1, level / 256]]).clip(0, 1).astype(np.float32)[None]
    scaled = scaling.apply(values)
    assert np.array_equal(values >= level / 256, scaled >= moved / 256)
    assert scaled.dtype == np.float32
    assert (scaled[0, -3], scaled[0, -2]) == (0, 1)
    if 20 < moved < 236:
        assert abs(scaling.shift) < 0.03, "less than a step of the threshold"
    inside = (values > 1e-6) & (values < 1 - 1e-6)
    expected = expit(logit(values[inside].astype(np.float64)) / temperature + scaling.shift)
    np.testing.assert_allclose(scaled[inside], expected, atol=1e-6)


@given(st.floats(0.4, 3), st.integers(0, 20))
def test_the_temperature_is_that_of_a_logistic_regression_and_calibrates(true: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    meant = expit(random.normal(-1, 2, 20_000))
    label = random.random(meant.size) < meant
    values = expit(logit(meant) * true).clip(1e-6, 1 - 1e-6).astype(np.float32)
    found = fit_temperature([(values, label)])
    by_regression = LogisticRegression(C=np.inf, fit_intercept=False).fit(logit(values)[:, None], label)
    assert 1 / found == pytest.approx(float(by_regression.coef_[0, 0]), rel=0.01)
    everywhere = np.ones((1, values.size), np.bool_)
    before, after = (
        Calibration.from_map(one, label[None], everywhere).ece
        for one in (values[None], Temperature(found).apply(values[None]))
    )
    assert after < 0.02
    assert after < before + 0.004
    with pytest.raises(ValueError, match="with vessel and without"):
        fit_temperature([(values, np.zeros(values.size, np.bool_))])


def test_it_travels_in_the_weights_and_masks_stay(tmp_path: Path) -> None:
    plain = save_small_model(tmp_path / "plain.safetensors")
    card = read_card(plain)
    scaling, moved = Temperature.keeping(card.rule.level, 1.7)
    (tmp_path / "warm.safetensors").write_bytes(
        with_card(plain.read_bytes(), replace(card, scaling=scaling, default_threshold=moved / 256))
    )
    assert (_version(plain), _version(tmp_path / "warm.safetensors")) == (1, FORMAT_VERSION), "older programs refuse it"
    case = draw_case(5, 128)
    cold, warm = read_model(plain), read_model(tmp_path / "warm.safetensors")
    assert warm.card.scaling == scaling
    for tta in ("none", "flips"):
        options = replace(OPTIONS, tta=tta)
        before, after = (segment_photo(case.image, one, fov=case.fov, options=options) for one in (cold, warm))
        assert np.array_equal(before.mask.vessel, after.mask.vessel)
        np.testing.assert_array_equal(scaling.apply(before.probability.values), after.probability.values)
        assert after.mask.rule.level == moved != before.mask.rule.level


def test_a_result_says_it_and_is_made_again_with_it(tmp_path: Path) -> None:
    card = read_card(save_small_model(tmp_path / "plain.safetensors"))
    scaling, moved = Temperature.keeping(card.rule.level, 1.7)
    path = save_small_model(tmp_path / "warm.safetensors", scaling=scaling, default_threshold=moved / 256)
    case = draw_case(5, 128)
    photo = tmp_path / "eye.png"
    _write(photo, case.image.rgb)
    warm, cold = read_model(path), read_model(tmp_path / "plain.safetensors")
    assert warm.sha256 == cold.sha256
    image = read_fundus(photo)
    made = segment_photo(image, warm, options=OPTIONS)
    files = made.save(tmp_path)
    sidecar = read_sidecar(files["sidecar"])
    assert sidecar.record["model"]["scaling"] == {"temperature": 1.7, "shift": scaling.shift}
    assert not model_differences(sidecar, warm)
    assert model_differences(sidecar, cold) == ["its probabilities were calibrated in another way"]
    again = replay_sidecar(files["sidecar"], model=cold)
    assert np.array_equal(again.mask.vessel, made.mask.vessel)
    assert not any("not identical" in note for note in again.notes)
    files["sidecar"].write_text(files["sidecar"].read_text("utf-8").replace("1.7", '"warm"'), "utf-8")
    with pytest.raises(InputError, match="damaged"):
        replay_sidecar(files["sidecar"], model=cold)


@pytest.mark.parametrize("scaling", [{"temperature": 0, "shift": 0}, {"temperature": "1"}, [1, 2], {"temperature": 1}])
def test_a_card_with_another_scaling_is_refused(tmp_path: Path, scaling: object) -> None:
    path = save_small_model(tmp_path / "m.safetensors")
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    document = json.loads(header["__metadata__"]["serr_model"])
    document["card"]["scaling"] = scaling
    header["__metadata__"]["serr_model"] = json.dumps(document)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with pytest.raises(WeightsError, match="damaged"):
        read_card(path)


def _write(path: Path, rgb: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(rgb).save(path)
