"""Small generators with random weights: pictures that differ from the photograph everywhere, in a blink."""

from pathlib import Path

import torch
from torch import nn

from core.enhancement.enhancer import Enhancer, Scale, load_enhancer
from core.models.model_card import ModelCard
from core.models.weights_file import save_model
from core.networks.families import RrdbConfig
from core.networks.rrdb import RrdbNet
from core.photo.recipe import Preprocessing

PLAIN = Preprocessing(colour="rgb", fov_diameter_px=0, standardise=False, clahe_clip=0, gamma=1)


def save_small_enhancer(folder: Path, scale: Scale = 1, name: str = "small-enhancer", seed: int = 0) -> Path:
    """Write a generator of one block."""
    config = RrdbConfig(scale=scale, width=8, growth=4, blocks=1)
    torch.manual_seed(seed)
    module = RrdbNet(config)
    nn.init.normal_(module.last.weight, std=0.02)
    card = ModelCard(
        *(name, "rrdb", config.model_dump(), PLAIN), task="enhancement", trained_on="nothing", licence="CC0-1.0"
    )
    return save_model(folder / f"{name}.safetensors", module, card)


def small_enhancer(folder: Path, scale: Scale = 1) -> Enhancer:
    """The small generator, written to a folder and loaded from there."""
    return load_enhancer(save_small_enhancer(folder, scale, f"small-{scale}x"))
