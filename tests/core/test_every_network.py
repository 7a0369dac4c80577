"""Every network can be trained, segments, and is scored, from Python as a person would ask for it."""

from pathlib import Path

import numpy as np
import pytest

import serr
from core.datasets.synthetic import write_drive_layout
from core.models.weights_header import read_card
from core.networks.families import FAMILIES
from core.training.config import TrainingConfig, load_config, to_toml

RECIPE = """
[preprocessing]
fov_diameter_px = 96
[optimisation]
steps = 2
batch = 2
crop_px = 48
precision = "fp32"
[run]
validate_every = 2
threads = 1
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    write_drive_layout(root, 2, side=112)
    return root


@pytest.mark.parametrize("name", FAMILIES)
def test_two_steps_make_a_model_that_segments_and_is_scored(name: str, tmp_path: Path, drawn: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    fields = {"width": 8}
    made = serr.train(
        *("drive", tmp_path / "run"),
        config=recipe,
        root=drawn,
        architecture=name,
        network=fields,
        hold_out=1,
        device="cpu",
    )
    card = read_card(made.weights)
    assert (card.architecture, card.config["width"]) == (name, 8)
    photo = next((drawn / "DRIVE" / "training" / "images").iterdir())
    found = serr.segment(photo, made.weights, device="cpu")
    assert found.mask.vessel.shape == found.probability.values.shape
    label = next((drawn / "DRIVE" / "training" / "1st_manual").iterdir())
    assert np.isfinite(serr.evaluate(found, label).accuracy)


def test_a_recipe_names_its_network_and_what_cannot_be_is_refused_when_it_is_read(tmp_path: Path) -> None:
    recipe = TrainingConfig().replaced("network", architecture="deeplab-v3plus", config={"encoder": "resnet34"})
    file = tmp_path / "recipe.toml"
    file.write_text(to_toml(recipe))
    assert load_config(file) == recipe
    file.write_text('[network]\narchitecture = "unet"\nconfig = { steps = 2 }\n')
    with pytest.raises(serr.SerrError, match=r"recipe.toml.*'unet'.*steps"):
        load_config(file)


def test_wrong_networks_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(serr.ArgumentError, match="architecture must be one of serr-unet, unet"):
        serr.train("drive", tmp_path / "run", architecture="u-net")
    with pytest.raises(serr.ArgumentError, match="network must be a dictionary"):
        serr.train("drive", tmp_path / "run", network="width=32")  # type: ignore[arg-type]
    with pytest.raises(serr.SerrError, match="keeps its network"):
        serr.train("drive", tmp_path / "run", model="serr-unet-drive", architecture="unet")
    assert not (tmp_path / "run").exists()


def test_the_networks_are_listed_with_what_they_cost() -> None:
    listed = {one.name: one for one in serr.architectures()}
    assert list(listed) == list(FAMILIES)
    assert listed["serr-unet"].usual.parameters == 564_861
    assert listed["unet"].published.gflop > 10 * listed["unet"].usual.gflop
