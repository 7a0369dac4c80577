"""Each network is what it says, learns with every parameter, and works wherever a network of this program does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import WeightsError
from core.inference.options import InferenceOptions
from core.inference.predictor import Prediction, predict
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, read_model, save_model
from core.networks import registry
from core.networks.attention_unet import AttentionGate
from core.networks.base import Network
from core.networks.blocks import PlaneUnit, RecurrentConv, SqueezeExcitation
from core.networks.cost import gflop, parameters
from core.networks.deeplab_v3plus import ImagePooling, ResNet
from core.networks.families import ENHANCERS, FAMILIES, architectures, resolve
from core.networks.registry import build
from core.networks.serr_unet import SerrBlock
from core.photo.preprocessing import NetInput
from core.photo.recipe import Preprocessing

CONFIG = {"width": 8, "depth": 2, "steps": 2, "reduction": 4}
RECIPE = Preprocessing(fov_diameter_px=0)
SMALL: dict[str, tuple[str, dict[str, object]]] = {
    "serr-unet": ("serr-unet", dict(CONFIG)),
    "serr-unet, gate after the sum": ("serr-unet", {**CONFIG, "gate": "sum", "upsampling": "nearest"}),
    "serr-unet, patches": ("serr-unet", {**CONFIG, "patch_px": 2}),
    "unet": ("unet", {"width": 8, "depth": 2}),
    "unet, nearest, patches": ("unet", {"width": 8, "depth": 2, "upsampling": "nearest", "patch_px": 2}),
    "res-unet": ("res-unet", {"width": 8, "depth": 2}),
    "se-unet": ("se-unet", {"width": 8, "depth": 2, "reduction": 4}),
    "r2-unet": ("r2-unet", {"width": 8, "depth": 2, "steps": 1}),
    "attention-unet": ("attention-unet", {"width": 8, "depth": 2}),
    "deeplab-v3plus": ("deeplab-v3plus", {"width": 16}),
    "deeplab-v3plus, output stride 8": ("deeplab-v3plus", {"width": 16, "output_stride": 8}),
}


def small(which: str, **changes: object) -> Network:
    name, config = SMALL[which]
    torch.manual_seed(0)
    return build(name, {**config, **changes})


def settled(which: str) -> Network:
    """In evaluation mode, with statistics of noise in its normalisations: with fresh ones all places are alike."""
    module = small(which)
    with torch.no_grad():
        for _ in range(4):
            module(noise(4, 1, 64, 64))
    return module.eval().requires_grad_(False)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def loaded(which: str, module: Network) -> LoadedModel:
    name, config = SMALL[which]
    return LoadedModel(ModelCard(which, name, config, RECIPE), module, Path(which), "")


def as_input(planes: Tensor) -> NetInput:
    height, width = planes.shape[-2:]
    inside = np.ones((height, width), bool)
    return NetInput(planes.numpy(), inside, 1.0, (0, 0, height, width), (height, width), RECIPE)


def test_every_family_is_described_built_and_tried_here() -> None:
    assert set(FAMILIES) == {"serr-unet", *registry._others()} - set(ENHANCERS) == {name for name, _ in SMALL.values()}
    for name, family in FAMILIES.items():
        assert 80 < len(family.summary) < 260, "about two lines"
        assert resolve(name, family.published), "the published size can be built"
        fields = family.config.model_fields
        assert all(field.title and field.description for key, field in fields.items() if key != "in_channels")


# What holds for every network


@pytest.mark.parametrize("which", SMALL)
def test_logits_have_the_size_of_the_input(which: str) -> None:
    for planes in (1, 3):
        module = small(which, in_channels=planes).eval()
        with torch.inference_mode():
            assert module(noise(2, planes, 32, 48)).shape == (2, module.out_channels, 32, 48)


@pytest.mark.parametrize("which", SMALL)
def test_every_parameter_learns(which: str) -> None:
    module = small(which).train()
    module(noise(2, 1, 64, 64)).square().mean().backward()
    dead = [name for name, p in module.named_parameters() if p.grad is None or not torch.any(p.grad != 0)]
    # A convolution's bias in front of nothing but a mean-free norm would have no gradient; there is none of those.
    assert dead == []


@pytest.mark.parametrize("which", SMALL)
def test_a_single_crop_can_be_learned_from(which: str) -> None:
    """A batch of one has no statistics where a plane is a single number."""
    small(which).train()(noise(1, 1, 32, 32)).mean().backward()


@pytest.mark.parametrize("which", SMALL)
def test_in_evaluation_a_photograph_does_not_depend_on_the_others_of_its_batch(which: str) -> None:
    module, batch = settled(which).double(), noise(3, 1, 32, 32).double()
    with torch.inference_mode():
        torch.testing.assert_close(module(batch)[1:2], module(batch[1:2]))


@pytest.mark.parametrize("which", SMALL)
def test_weights_are_the_same_after_saving_and_loading(which: str, tmp_path: Path) -> None:
    module = settled(which)
    name, config = SMALL[which]
    card = ModelCard("kept", name, resolve(name, config), RECIPE)
    back = read_model(save_model(tmp_path / "kept.safetensors", module, card))
    with torch.inference_mode():
        assert torch.equal(back.module(noise(1, 1, 32, 32)), module(noise(1, 1, 32, 32)))


@pytest.mark.parametrize("which", SMALL)
def test_odd_sizes_are_padded_and_come_back_as_they_were(which: str) -> None:
    found = predict(loaded(which, settled(which)), as_input(noise(1, 45, 67)), InferenceOptions(device="cpu"))
    assert found.values.shape == (45, 67)
    assert np.isfinite(found.values).all()
    assert found.values.std() > 0


def whole_and_in_tiles(which: str) -> tuple[Prediction, Prediction]:
    model, planes = loaded(which, settled(which)), as_input(noise(1, 224, 240))
    overlap_px = 80 * model.card.config.get("patch_px", 1)  # patches see so much farther
    options = InferenceOptions(device="cpu", precision="fp32", gate_tolerance=0.0, overlap_px=overlap_px)
    return predict(model, planes, options), predict(model, planes, replace(options, tile_px=overlap_px // 2 + 136))


@pytest.mark.parametrize("which", [which for which in SMALL if not which.startswith("deeplab")])
def test_tiles_give_what_the_whole_photograph_gives(which: str) -> None:
    """What needs means over the whole plane gets them; what is left is what the overlap cuts off."""
    whole, tiles = whole_and_in_tiles(which)
    gates = sum(isinstance(part, PlaneUnit) for part in small(which).modules())
    assert (whole.tiles, tiles.tiles) == (1, 4)
    assert 1 <= tiles.passes <= gates + 1
    assert tiles.passes == 1 or gates
    np.testing.assert_allclose(tiles.values, whole.values, atol=1e-2)
    most = 2e-5 if "patches" in which else 2e-6  # as much is cut off, of a plane with a quarter of the places
    assert np.abs(tiles.values - whole.values).mean() < most
    assert whole.notes == tiles.notes == ()


def test_deeplab_in_tiles_says_that_it_differs() -> None:
    """Its pyramid reaches farther than any tile overlaps; its mean over the whole plane needs one pass more."""
    whole, tiles = whole_and_in_tiles("deeplab-v3plus")
    assert (whole.tiles, tiles.tiles, tiles.passes) == (1, 4, 2)
    assert whole.notes == ()
    assert "differs from that of the whole photograph" in tiles.notes[0]


@pytest.mark.parametrize("which", SMALL)
def test_a_size_that_is_no_multiple_of_the_stride_is_refused(which: str) -> None:
    module = small(which)
    with pytest.raises(ValueError, match=f"multiples of {module.stride}"):
        module(noise(1, 1, module.stride * 3 // 2, module.stride))
    name, config = SMALL[which]
    assert FAMILIES[name].config.model_validate(config).stride == module.stride


# What they cost


def convolutions(of: nn.Module) -> int:
    return sum(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in of.modules())


def test_the_published_unet_has_23_convolutions_from_64_to_1024_channels() -> None:
    with torch.device("meta"):
        module = build("unet", FAMILIES["unet"].published)
    assert convolutions(module) == 23
    widths = [part.out_channels for part in module.encoder.modules() if isinstance(part, nn.Conv2d)]  # type: ignore[operator, union-attr]
    assert widths == [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]


U_NET = 31_036_481  # as counted for the usual implementation with normalisation, one plane and one class
RES_NET = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160}


def sizes(width: int, depth: int) -> list[tuple[int, int]]:
    """Channels into and out of each block of a U-Net of one plane."""
    channels = [width * 2**level for level in range(depth + 1)]
    return [*zip([1, *channels], channels, strict=False), *((2 * one, one) for one in channels[:-1])]


def test_the_parameters_of_the_published_networks() -> None:
    """Against counts of others where there are any, and else by hand from the publication's figure, not from the code.

    The U-Net's own publication counts none; the usual implementation has this number.
    """
    published = {name: parameters(name, family.published) for name, family in FAMILIES.items()}
    assert published["unet"] == U_NET
    shape = sizes(64, 4)
    gates = sum(2 * out * (out // 16) + out // 16 + out for _, out in shape)
    assert published["se-unet"] == U_NET + gates
    # A shortcut of 1 x 1 with bias, and the first convolution on its output.
    shortcuts = sum(one * out + out + 9 * out * (out - one) for one, out in sizes(64, 3))
    assert published["res-unet"] == parameters("unet", {"width": 64, "depth": 3}) + shortcuts
    # Two convolutions, each with three normalisations at t = 2, in the place of two with one each.
    recurrent = sum(one * out + out + 9 * out * (out - one) + 2 * 2 * 2 * out for one, out in shape)
    assert published["r2-unet"] == U_NET + recurrent
    attention = sum(
        (4 * one * (one // 2)) + (2 * one * (one // 2) + one // 2) + (one // 2 + 1) for one in (64, 128, 256, 512)
    )
    assert published["attention-unet"] == U_NET + attention


@pytest.mark.parametrize("kind", RES_NET)
def test_the_encoders_of_deeplab_have_the_parameters_of_the_published_ones(kind: str) -> None:
    """torchvision's table, without the classifier: its last layer gives 1000 classes."""
    with torch.device("meta"):
        encoder = ResNet(3, kind, 16)
    classifier = 1000 * encoder.channels[-1] + 1000
    assert sum(weights.numel() for weights in encoder.parameters()) == RES_NET[kind] - classifier


def test_deeplab_becomes_no_coarser_than_its_output_stride() -> None:
    for stride in (8, 16):
        with torch.device("meta"):
            low, last = ResNet(1, "resnet18", stride)(torch.empty(1, 1, 64, 64))  # type: ignore[arg-type]
        assert (low.shape[-1], last.shape[-1]) == (16, 64 // stride)


def test_arithmetic_is_counted_for_a_photograph_as_it_is_padded() -> None:
    """By hand for a U-Net of one halving: 3 x 3 kernels at two operations for each multiplication."""
    height, width = 10, 14  # of 9 x 13
    at_full = 9 * (1 * 2 + 2 * 2 + 4 * 2 + 2 * 2) + 1 * 2
    at_half = 9 * (2 * 4 + 4 * 4) + 4 * 2 * 4  # with the transposed convolution, of four places for each
    by_hand = 2 * (height * width * at_full + height * width // 4 * at_half)
    assert gflop("unet", {"width": 2, "depth": 1}, (9, 13)) * 1e9 == pytest.approx(by_hand)
    assert gflop("serr-unet", {}) > gflop("unet", {}), "recurrence costs"


@pytest.mark.parametrize("which", SMALL)
def test_arithmetic_is_what_torch_counts(which: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        small(which).eval()(noise(1, 1, 48, 64))
    name, config = SMALL[which]
    assert gflop(name, config, (48, 64)) * 1e9 == pytest.approx(counter.get_total_flops())


# What each one is made of


def test_every_gate_changes_the_output() -> None:
    """In the authors' public code the gate is computed and dropped; here each one must be connected."""
    module = small("serr-unet").eval()
    planes = noise(1, 1, 32, 32)
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


def test_the_place_of_the_gate_decides_whether_the_residual_sum_passes_closed_gates() -> None:
    x = torch.randn(1, 2, 8, 8)
    for place in ("branch", "sum"):
        block = SerrBlock(2, 4, steps=1, reduction=2, place=place).eval()
        with torch.no_grad():
            block.gate.excite.weight.zero_()
            block.gate.excite.bias.fill_(-100.0)
            passed = block.project(x) if place == "branch" else torch.zeros(1, 4, 8, 8)
            torch.testing.assert_close(block(x), passed)


def test_patches_are_read_and_answered_pixel_by_pixel() -> None:
    """Against the same network on the four phases of the photograph, which are put back by hand."""
    module = small("serr-unet, patches").eval().double()
    inner = build("serr-unet", {**CONFIG, "in_channels": 4}).eval().double()
    inner.head = nn.Conv2d(8, 4, kernel_size=1).double()
    inner.load_state_dict(module.state_dict())
    planes = noise(1, 1, 32, 48).double()
    phases = [(row, column) for row in (0, 1) for column in (0, 1)]
    back = torch.empty_like(planes)
    with torch.inference_mode():
        answers = inner(torch.cat([planes[:, :, row::2, column::2] for row, column in phases], dim=1))
        for number, (row, column) in enumerate(phases):
            back[:, 0, row::2, column::2] = answers[:, number]
        torch.testing.assert_close(module(planes), back)
    whole = gflop("serr-unet", {})
    assert gflop("serr-unet", {"patch_px": 2}) < whole / 3.5, "that is what they are for"


def test_attention_is_the_formula_of_its_publication() -> None:
    gate = AttentionGate(4, 8)
    skip, below = torch.randn(2, 4, 6, 10), torch.randn(2, 8, 3, 5)
    of_skip = torch.einsum("ncyvxu,kcvu->nkyx", skip.reshape(2, 4, 3, 2, 5, 2), gate.of_skip.weight)
    of_below = torch.einsum("ncyx,kc->nkyx", below, gate.of_below.weight[:, :, 0, 0])
    agreed = (of_skip + of_below + gate.of_below.bias[:, None, None]).clamp(min=0)  # type: ignore[index]
    sums = torch.einsum("nkyx,k->nyx", agreed, gate.attention.weight[0, :, 0, 0]) + gate.attention.bias
    coarse = (1 / (1 + torch.exp(-sums)))[:, None]
    attention = nn.functional.interpolate(coarse, size=(6, 10), mode="bilinear", align_corners=False)
    torch.testing.assert_close(gate(skip, below), skip * attention)


def test_image_pooling_gives_every_place_the_same() -> None:
    unit = ImagePooling(3, 5)
    x = torch.randn(2, 3, 4, 6)
    expected = torch.relu(unit.project(x.mean((2, 3))))
    assert torch.equal(unit(x), expected[:, :, None, None].expand(2, 5, 4, 6))


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("r3-unet", {}, "unknown network architecture 'r3-unet'"),
        ("serr-unet", {"widht": 8}, "widht"),
        ("serr-unet", {"depth": 0}, "depth"),
        ("serr-unet", {"gate": "before"}, "gate"),
        ("unet", {"steps": 2}, "steps"),
        ("unet", {"patch_px": 3}, "patch_px"),
        ("deeplab-v3plus", {"output_stride": 12}, "output_stride"),
    ],
)
def test_wrong_configurations_are_named(name: str, config: dict[str, object], words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        build(name, config)


def test_resolve_writes_out_every_default() -> None:
    usual = {"in_channels": 1, "width": 16, "depth": 3, "steps": 2, "reduction": 8}
    assert resolve("serr-unet", {}) == {**usual, "gate": "branch", "upsampling": "transposed", "patch_px": 1}


def test_the_bundled_networks_are_serr_unets_whose_files_of_the_first_version_still_fit() -> None:
    from core.models.weights_header import read_card
    from core.resources import resource_path

    files = sorted(Path(resource_path("weights")).glob("*.safetensors"))
    cards = {path: read_card(path) for path in files}
    vessels = [path for path, card in cards.items() if card.task == "vessels"]
    assert vessels, "a trained network ships with the program"
    assert {cards[path].architecture for path in vessels} == {"serr-unet"}
    assert {(card.task, card.architecture) for card in cards.values() if card.task != "vessels"} == {
        ("enhancement", "rrdb")
    }
    assert read_model(vessels[0]).module.in_channels == 1


def test_architectures_are_listed_with_the_default_first() -> None:
    assert architectures()[0] == "serr-unet"
