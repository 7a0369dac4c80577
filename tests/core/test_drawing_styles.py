"""Drawing styles: thresholds of several experts, from a training through the model's card to results."""

from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest

import serr
from core.datasets.dataset_file import read_dataset_file, write_dataset_file
from core.datasets.recognise import recognise
from core.datasets.splits import split_by_seed
from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import ArgumentError, StyleError
from core.evaluation.confusion import LevelHistogram
from core.evaluation.suggest import best_f1
from core.models.catalogue import load_model
from core.models.drawing_style import DrawingStyle, style_name
from core.models.weights_header import read_card, with_card
from core.photo.fov_mask import read_fov_of
from core.photo.reading import read_fundus, read_label
from core.segment import segment_photo
from core.session.fields import photo_values
from core.session.records import PhotoRecord, PhotoRef
from core.threshold_rule import LEVELS, ThresholdRule
from core.training.card import chosen_card
from core.training.config import load_config
from core.training.loop import train
from core.training.validation import SourceScores, Validation
from tests.small_model import save_small_model

STYLES = (DrawingStyle("DRIVE", 64, 4), DrawingStyle("CHASE_DB1", 170, 1, low_level=150, min_pixels=9))

TWO_SOURCES = """
[network]
config = {{ width = 4, depth = 2 }}
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = 2
batch = 2
crop_px = 48
precision = "fp32"
ema_decay = 0.8
[run]
name = "tiny"
validate_every = 2
threads = 1
[[data.sources]]
dataset = "{thick}"
[[data.sources]]
dataset = "{thin}"
"""


def test_styles_travel_in_the_card_and_older_files_have_none(tmp_path: Path) -> None:
    path = save_small_model(tmp_path / "m.safetensors", styles=STYLES)
    card = read_card(path)
    assert card.styles == STYLES
    assert card.style_rule("chase-db1") == ThresholdRule(170, "style", 150, 9, "CHASE_DB1")
    assert card.style_rule("chase db1") == card.style_rule("CHASE_DB1")
    assert card.rule == ThresholdRule(96, "model")
    with pytest.raises(StyleError, match=r'no drawing style "HRF"\. It can draw like: DRIVE, CHASE_DB1\.'):
        card.style_rule("HRF")
    path.write_bytes(with_card(path.read_bytes(), replace(card, styles=())))
    assert b"styles" not in path.read_bytes()[:4000], "as older programs have written it"
    with pytest.raises(StyleError, match="small cannot draw like"):
        read_card(path).style_rule("DRIVE")


@pytest.mark.parametrize(
    "record",
    [
        {"name": "DRIVE", "level": 0},
        {"name": "DRIVE", "level": 80.5},
        {"name": "DRIVE", "level": True},
        {"name": "DRIVE", "level": 80, "low_level": 90},
        {"name": "DRIVE", "level": 80, "low_level": 0},
        {"name": "DRIVE", "level": 80, "photographs": -1},
        {"name": " DRIVE\n", "level": 80},
        {"name": "", "level": 80},
        {"name": 5, "level": 80},
        {"level": 80},
        "DRIVE",
    ],
    ids=str,
)
def test_a_record_that_is_no_style_is_refused(record: object) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        DrawingStyle.from_record(record)


def test_any_name_of_a_data_set_makes_the_name_of_a_style() -> None:
    for text in ("", "  ", "\n\t", "x" * 500, "half \ud800", " a " * 40, "DRIVE"):
        assert DrawingStyle(style_name(text), 80).name
    with pytest.raises(ValueError, match="names it, and no other does"):
        ThresholdRule(80, "user", style="DRIVE")
    with pytest.raises(ValueError, match="names it, and no other does"):
        ThresholdRule(80, "style")


def scores(level: int, photographs: int = 3, *, held_out: bool = True) -> SourceScores:
    return SourceScores(0.1, 0.9, 0.8, 0.7, 0.75, level, photographs, held_out)


def test_only_held_out_photographs_of_several_data_sets_make_styles(tmp_path: Path) -> None:
    card = read_card(save_small_model(tmp_path / "m.safetensors"))

    def styles(**sources: SourceScores) -> tuple[DrawingStyle, ...]:
        names = {name.replace("__", "/"): one for name, one in sources.items()}
        return chosen_card(card, 5, Validation(0.1, 0.9, 0.8, 0.7, 99, names)).styles

    assert styles(drive=scores(80), chase_db1__2=scores(170, 4)) == (
        DrawingStyle("DRIVE", 80, 3),
        DrawingStyle("CHASE_DB1/2", 170, 4),
    )
    assert styles(drive=scores(80)) == ()
    assert styles(drive=scores(80, held_out=False), eyes=scores(90)) == (DrawingStyle("eyes", 90, 3),)


def test_a_training_on_two_data_sets_learns_how_each_expert_draws(tmp_path: Path) -> None:
    files = {}
    for name in ("thick", "thin"):
        found = recognise(write_drive_layout(tmp_path / name, 3, side=112)).dataset
        split = split_by_seed(found, seed=0, validation_share=0.34)
        files[name] = write_dataset_file(tmp_path / f"{name}.serr-dataset", replace(split, name=name)).absolute()
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TWO_SOURCES.format(**{name: path.as_posix() for name, path in files.items()}))
    model = load_model(train(load_config(recipe), Path(), tmp_path / "run", device="cpu").weights)
    assert [one.name for one in model.card.styles] == ["thick", "thin"]
    for style in model.card.styles:
        cases = read_dataset_file(files[style.name]).part("validation").cases
        found_ones = []
        for case in cases:
            image = read_fundus(case.photo)
            fov = read_fov_of(case.fov, image)
            label = read_label(next(iter(case.labels.values())), shape=image.shape)
            levels = segment_photo(image, model, fov=fov).probability.levels
            found_ones.append(LevelHistogram.from_map(levels, label.vessel, fov.inside))
        best = best_f1(reduce(add, found_ones))
        assert best is not None
        assert (style.photographs, style.level) == (len(cases), best.level)


def test_python_draws_like_an_expert(tmp_path: Path) -> None:
    path = save_small_model(tmp_path / "m.safetensors", styles=STYLES)
    rgb = draw_case(5, 128).image.rgb
    drawn = serr.segment(rgb, path, draw_like="drive", low=0.1)
    assert drawn.mask.rule == ThresholdRule(64, "style", 26, 0, "DRIVE")
    plain = serr.segment(rgb, path, draw_like="DRIVE")
    assert np.array_equal(plain.mask.vessel, plain.probability.levels >= 64)
    assert plain.mask.vessel.sum() > serr.segment(rgb, path).mask.vessel.sum(), "more vessels at a lower threshold"
    with pytest.raises(StyleError, match="It can draw like: DRIVE, CHASE_DB1"):
        serr.segment_many([rgb], path, draw_like="HRF")
    with pytest.raises(ArgumentError, match="leave out threshold, or draw_like"):
        serr.segment(rgb, path, draw_like="DRIVE", threshold=0.5)
    with pytest.raises(ArgumentError, match='draw_like must be the name of a drawing style, such as "DRIVE", not 3'):
        serr.segment(rgb, path, draw_like=3)  # type: ignore[arg-type]


def test_a_session_keeps_the_style_and_older_programs_read_the_others() -> None:
    def written(rule: ThresholdRule) -> dict[str, object]:
        values: dict[str, object] = photo_values(PhotoRecord(PhotoRef(Path("/eye.png")), rule=rule))[0]["rule"]
        return values

    assert written(STYLES[0].rule)["style"] == "DRIVE"
    assert "style" not in written(ThresholdRule(LEVELS // 2))
