"""A small SERR-U-Net that has learned drawn vessels for a few seconds: enough for probabilities that mean something."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.datasets.synthetic import draw_case
from core.models.catalogue import load_model
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, save_model
from core.networks.registry import build
from core.photo.preprocessing import prepare
from core.photo.recipe import Preprocessing

RECIPE = Preprocessing(fov_diameter_px=0)
CONFIG: dict[str, object] = {"in_channels": 1, "width": 4, "depth": 2, "steps": 1, "reduction": 2}


@cache
def _network() -> nn.Module:
    torch.manual_seed(0)
    module = build("serr-unet", CONFIG).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-2)
    loss = nn.BCEWithLogitsLoss()
    random = np.random.default_rng(0)
    samples = []
    for seed in (1, 2, 3):
        case = draw_case(seed, 256)
        prepared = prepare(case.image, case.fov, RECIPE)
        top, left, bottom, right = prepared.box
        samples.append((prepared.planes[0], case.label.vessel[top:bottom, left:right].astype(np.float32)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=60)
    for _ in range(60):
        crops = []
        for _ in range(4):
            planes, label = samples[int(random.integers(len(samples)))]
            row, column = (int(random.integers(0, size - 64)) for size in label.shape)
            crops.append(np.stack([planes, label])[:, row : row + 64, column : column + 64])
        batch = torch.from_numpy(np.stack(crops))
        optimiser.zero_grad()
        loss(module(batch[:, :1]), batch[:, 1:]).backward()
        optimiser.step()
        schedule.step()
    return module.eval()


def save_small_model(path: Path, name: str = "small", **changes: object) -> Path:
    """Write the small network with a card; ``changes`` replace fields of the card."""
    fields: dict[str, object] = {
        "name": name,
        "architecture": "serr-unet",
        "config": CONFIG,
        "preprocessing": RECIPE,
        "trained_on": "three drawn photographs",
        "default_threshold": 0.375,
        "licence": "CC0-1.0",
    }
    return save_model(path, _network(), ModelCard(**(fields | changes)))  # type: ignore[arg-type]


def small_model(folder: Path) -> LoadedModel:
    """The small network, written to a folder and loaded from there."""
    return load_model(save_small_model(folder / "small.safetensors"))
