"""The doubt map: the spread of the network's answers, written where it is asked for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import serr as library
from core.inference.doubt import doubt_of
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.weights_file import read_model
from core.photo.preprocessing import prepare
from core.photo.reading import read_fundus
from core.types import FieldOfView, FloatArray
from tests.cli.program import Serr, names, read_picture, write_photo


def test_a_doubt_map_is_written_where_it_is_asked_for(serr: Serr, tmp_path: Path, weights: Path) -> None:
    photo, out = write_photo(tmp_path / "eye.png", 160, 180), tmp_path / "out"
    words = ("segment", tmp_path, "--out", out, "--model", weights, "--device", "cpu")
    ran = serr(*words, "--doubt")
    assert ran.code == 0, ran.err
    assert "eye_doubt.png" in names(out)
    written, record = read_picture(out / "eye_doubt.png"), json.loads((out / "eye.serr.json").read_text())
    assert written.dtype == np.uint16
    assert record["files"]["doubt"] == "eye_doubt.png"
    assert len(record["doubt_map"]["views"]) == 6

    found = library.segment(photo, weights, device="cpu", doubt=True)
    assert found.doubt is not None
    assert np.array_equal(np.rint(found.doubt * np.float32(65535)), written)
    assert record["doubt_map"]["mean"] == round(float(found.doubt[found.fov.inside].mean(dtype=np.float64)), 6)
    assert not found.doubt[~found.fov.inside].any()
    assert 0 < found.doubt.max() <= 0.5

    assert "has its results already" in serr(*words, "--doubt", "--skip-existing").err
    (out / "eye_doubt.png").rename(tmp_path / "eye_doubt.png")
    again = serr(*words, "--doubt", "--skip-existing")
    assert "eye_doubt.png is missing" in again.err
    assert len(again.out.splitlines()) == 1  # a result beside its photograph is no photograph


def test_doubt_is_the_spread_of_six_answers(tmp_path: Path, weights: Path) -> None:
    image, model = read_fundus(write_photo(tmp_path / "eye.png", 150, 160)), read_model(weights)
    prepared = prepare(image, FieldOfView.full(image.shape), model.card.preprocessing)
    options = InferenceOptions(device="cpu")

    def answer(planes: FloatArray) -> FloatArray:
        return predict(model, replace(prepared, planes=np.ascontiguousarray(planes)), options).values

    planes = prepared.planes
    answers = [
        answer(planes),
        answer(planes[:, :, ::-1])[:, ::-1],
        answer(planes[:, ::-1])[::-1],
        answer(planes[:, ::-1, ::-1])[::-1, ::-1],
        answer(planes * np.float32(0.9)),
        answer(planes * np.float32(1.1)),
    ]
    found = doubt_of(model, prepared, options)
    assert np.allclose(found, np.std(answers, axis=0), atol=1e-5)
    assert found.max() > 1e-3
