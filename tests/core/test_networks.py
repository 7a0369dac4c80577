"""SERR-U-Net is what it says: recurrent with shared weights, residual, gated by a connected squeeze-and-excitation."""

from pathlib import Path

import pytest
import torch
from torch import nn

from core.errors import WeightsError
from core.networks.blocks import RecurrentConv, SerrBlock, SqueezeExcitation
from core.networks.registry import architectures, build, resolve

CONFIG = {"width": 8, "depth": 2, "steps": 2, "reduction": 4}


def network(**changes: int) -> nn.Module:
    torch.manual_seed(0)
    return build("serr-unet", {**CONFIG, **changes}).eval()


@pytest.mark.parametrize("name", architectures())
@pytest.mark.parametrize(("in_channels", "depth"), [(1, 1), (3, 2), (1, 4)])
def test_logits_have_the_size_of_the_input(name: str, in_channels: int, depth: int) -> None:
    module = build(name, {"in_channels": in_channels, "depth": depth, "width": 4})
    assert module(torch.randn(2, in_channels, 32, 48)).shape == (2, 1, 32, 48)


def test_every_gate_changes_the_output() -> None:
    """In the authors' public code the gate is computed and dropped; here each one must be connected."""
    module = network()
    planes = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    gates = [part for part in module.modules() if isinstance(part, SqueezeExcitation)]
    assert len(gates) == 2 * CONFIG["depth"] + 1, "one for each block"
    with torch.no_grad():
        before = module(planes)
        for gate in gates:
            kept = gate.excite.bias.clone()
            gate.excite.bias += 2.0
            assert not torch.allclose(module(planes), before)
            gate.excite.bias.copy_(kept)
        assert torch.equal(module(planes), before)


def test_a_gate_is_the_formula_of_squeeze_and_excitation() -> None:
    gate = SqueezeExcitation(6, 2)
    x = torch.randn(3, 6, 5, 7)
    hidden = torch.clamp(x.mean((2, 3)) @ gate.squeeze.weight.T + gate.squeeze.bias, min=0)
    expected = x * (1 / (1 + torch.exp(-(hidden @ gate.excite.weight.T + gate.excite.bias))))[:, :, None, None]
    torch.testing.assert_close(gate(x), expected)


def test_the_convolution_is_shared_over_the_steps_and_each_step_has_its_own_norm() -> None:
    for steps in (0, 1, 3):
        block = RecurrentConv(4, steps)
        assert sum(isinstance(part, nn.Conv2d) for part in block.modules()) == 1
        assert sum(isinstance(part, nn.BatchNorm2d) for part in block.modules()) == steps + 1


def test_the_recurrence() -> None:
    block = RecurrentConv(3, 2).eval()
    x = torch.randn(1, 3, 6, 6)
    h = torch.relu(block.norms[0](block.conv(x)))
    h = torch.relu(block.norms[1](block.conv(x + h)))
    h = torch.relu(block.norms[2](block.conv(x + h)))
    torch.testing.assert_close(block(x), h)


def test_the_residual_sum_carries_the_input_past_closed_gates() -> None:
    block = SerrBlock(2, 4, steps=1, reduction=2).eval()
    x = torch.randn(1, 2, 8, 8)
    with torch.no_grad():
        block.gate.excite.weight.zero_()
        block.gate.excite.bias.fill_(-100.0)
        torch.testing.assert_close(block(x), block.project(x))


def test_every_parameter_learns() -> None:
    module = network().train()
    module(torch.randn(2, 1, 32, 32)).square().mean().backward()
    dead = [name for name, p in module.named_parameters() if p.grad is None or not torch.any(p.grad != 0)]
    # A convolution's bias in front of nothing but a mean-free norm would have no gradient; there is none of those.
    assert dead == []


def test_a_size_that_is_no_multiple_of_the_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        network()(torch.randn(1, 1, 30, 32))


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("r2-unet", {}, "unknown network architecture 'r2-unet'"),
        ("serr-unet", {"widht": 8}, "widht"),
        ("serr-unet", {"depth": 0}, "depth"),
        ("unet", {"steps": 2}, "steps"),
    ],
)
def test_wrong_configurations_are_named(name: str, config: dict[str, object], words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        build(name, config)


def test_resolve_writes_out_every_default() -> None:
    assert resolve("serr-unet", {}) == {"in_channels": 1, "width": 16, "depth": 3, "steps": 2, "reduction": 8}


def test_the_bundled_networks_are_serr_unets(request: pytest.FixtureRequest) -> None:
    from core.models.weights_file import read_card
    from core.resources import resource_path

    files = sorted(Path(resource_path("weights")).glob("*.safetensors"))
    assert files, "a trained network ships with the program"
    assert {read_card(path).architecture for path in files} == {"serr-unet"}
