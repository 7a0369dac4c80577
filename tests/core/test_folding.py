"""The network as it is run: norms folded, steps fused, the same numbers."""

import copy
from itertools import accumulate
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from core.inference import strips
from core.inference.device import bf16_is_faster
from core.inference.folding import FoldedConv, fold
from core.inference.runner import _channels_last
from core.models.catalogue import DEFAULT_MODEL, load_model
from core.networks.cost import gflop
from core.networks.families import FAMILIES
from core.networks.registry import build
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import prepare, restore
from core.photo.reading import read_fundus
from core.resources import resource_path
from core.segment import segment_photo

SMALL: dict[str, dict[str, object]] = {
    "deeplab-v3plus": {"encoder": "resnet18", "width": 8},
    "serr-unet": {"width": 4, "depth": 2, "gate": "sum"},
}


def trained(name: str, config: dict[str, object]) -> Any:
    """A network whose norms have statistics and weights that are not those of the start."""
    torch.manual_seed(1)
    network = build(name, config).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(2, network.in_channels, 64, 64))
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("name", [*FAMILIES, "serr-unet-sum"])
def test_a_folded_network_gives_the_same_numbers_without_norms(name: str) -> None:
    family = name.removesuffix("-sum")
    config = SMALL["serr-unet"] if name.endswith("-sum") else SMALL.get(name, {}) if name != "serr-unet" else {}
    if name not in {"deeplab-v3plus"} and not config:
        config = {"width": 4, "depth": 2}
    network = trained(family, config)
    planes = torch.randn(1, network.in_channels, 64, 96).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = network(planes)
        found = fold(copy.deepcopy(network))
        result = found(planes)
    assert not [module for module in found.modules() if isinstance(module, nn.BatchNorm2d | nn.Conv2d)]
    assert torch.allclose(result, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    with torch.inference_mode():
        assert torch.equal(network(planes), expected)  # the network itself is as it was


def test_the_sample_gets_the_same_mask() -> None:
    model = load_model()
    image = read_fundus(resource_path("sample", "retina.jpg"))
    fov = estimate_field_of_view(image)
    found = segment_photo(image, model, fov=fov)
    assert found.tiles == 1
    prepared = prepare(image, fov, model.card.preprocessing)
    height, width = prepared.inside.shape
    below, right = -height % model.module.stride, -width % model.module.stride
    view = np.pad(prepared.planes, ((0, 0), (0, below), (0, right)), mode="reflect")
    with torch.inference_mode():
        values = model.module(torch.from_numpy(view)[None])[0, 0, :height, :width].sigmoid().numpy()
    values[~prepared.inside] = 0.0
    expected = restore(values, prepared, fov) >= found.mask.rule.threshold
    both = np.count_nonzero(expected & found.mask.vessel)
    dice = 2 * both / (np.count_nonzero(expected) + np.count_nonzero(found.mask.vessel))
    assert dice >= (0.9999 if found.precision == "fp32" else 0.995)


@pytest.mark.parametrize(("name", "most_gflop"), [(DEFAULT_MODEL, 17.8), ("serr-unet-general", 104.5)])
def test_work_is_counted_not_timed(name: str, most_gflop: float) -> None:
    """A network takes one convolution for each of its steps, and no pass of its own for norms or ReLUs.

    Nor are planes copied together for the decoder.
    """
    model = load_model(name)
    network = fold(copy.deepcopy(model.module)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    orders: list[bool] = []
    for layer in network.modules():
        if isinstance(layer, FoldedConv):
            layer.register_forward_hook(lambda *call: orders.append(call[2].stride(1) == 1))
    planes = _channels_last(torch.zeros(1, 1, 64, 64))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile, torch.inference_mode():
        network(planes)
    steps = [event.name for event in profile.events()]
    blocks, convolutions = 7, 2 * (1 + cast(int, model.card.config["steps"]))
    assert sum(isinstance(module, FoldedConv) for module in network.modules()) == blocks * (1 + convolutions) + 1
    assert not [name for name in steps if "batch_norm" in name or name == "aten::cat"]
    assert steps.count("aten::addcmul") == blocks
    assert all(orders), "no layer turns the planes around"
    in_one_step = "mkldnn::_convolution_pointwise" in steps
    assert steps.count("aten::relu") == blocks if in_one_step else steps.count("aten::relu_") == blocks * convolutions
    assert gflop(model.card.architecture, model.card.config, (720, 720)) < most_gflop


def test_large_planes_in_strips_give_the_same_and_take_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = fold(trained("serr-unet", {"width": 8, "depth": 2})).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    done: list[int] = []
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda *_: done.append(1))
    planes = _channels_last(torch.randn(1, 1, 308, 60, generator=torch.Generator().manual_seed(1)))
    plane_bytes = 8 * 308 * 60 * 4

    with torch.inference_mode():
        whole = network(planes)
    layers = len(done)
    done.clear()
    monkeypatch.setattr(strips, "STRIP_BYTES", plane_bytes // 8)
    monkeypatch.setattr(strips, "LARGE_BYTES", plane_bytes - 1)
    kinds = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=kinds, profile_memory=True) as profile, torch.inference_mode():
        cut = network(planes)
    assert torch.allclose(cut, whole, atol=1e-5)
    assert len(done) == layers, "progress counts layers, not strips"
    events = sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    held = accumulate(event.nbytes() for event in events if event.name() == "[memory]")
    assert max(held) < 3.5 * plane_bytes, "the plane of a block, that of its result, and strips: whole, it is 4.5"


@pytest.mark.parametrize(
    ("capabilities", "is_intel", "expected"),
    [
        ({}, True, False),
        ({"avx512_bf16": True}, False, True),
        ({"avx512_bf16": True, "amx_bf16": False}, True, False),
        ({"avx512_bf16": True, "amx_bf16": True}, True, True),
    ],
)
def test_bf16_only_where_it_is_faster(capabilities: dict[str, object], is_intel: bool, expected: bool) -> None:
    assert bf16_is_faster(capabilities, is_intel) is expected
