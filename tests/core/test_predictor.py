"""Inference: what comes out is what the network says, whole or in tiles, on whatever there is to compute on."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from core.datasets.synthetic import draw_case
from core.errors import DeviceError, WeightsError
from core.inference import folding
from core.inference.device import Device, choose_device, fastest_precision, list_devices
from core.inference.options import InferenceOptions
from core.inference.predictor import fall_back, is_out_of_memory, predict
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel
from core.networks.base import Network
from core.networks.registry import build
from core.photo.preprocessing import NetInput, prepare
from core.photo.recipe import Preprocessing
from core.progress import Cancelled, Progress
from core.types import FloatArray
from tests.small_model import RECIPE, small_model

WHOLE = InferenceOptions(device="cpu", precision="fp32", tile_px=100_000)


class Recorder:
    """A monitor that keeps everything, and cancels at a step if told so."""

    def __init__(self, cancel_at: int = -1) -> None:
        self.steps: list[Progress] = []
        self.notes: list[str] = []
        self.cancel_at = cancel_at

    def step(self, progress: Progress) -> None:
        self.steps.append(progress)
        if len(self.steps) == self.cancel_at:
            raise Cancelled

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def drawn() -> NetInput:
    """A drawn photograph of 368 x 368 pixels inside its field of view's box."""
    case = draw_case(9, 400)
    return prepare(case.image, case.fov, RECIPE)


def as_model(module: Network) -> LoadedModel:
    card = ModelCard("test", "serr-unet", {}, Preprocessing())
    return LoadedModel(card, module.eval().requires_grad_(False), Path("test.safetensors"), "")


def as_input(planes: FloatArray, inside: np.ndarray | None = None) -> NetInput:
    shape = (planes.shape[1], planes.shape[2])
    inside = np.ones(shape, bool) if inside is None else inside
    return NetInput(planes, inside, 1.0, (0, 0, *shape), shape, Preprocessing())


def noise(height: int, width: int, planes: int = 1) -> FloatArray:
    return np.random.default_rng(height).normal(size=(planes, height, width)).astype(np.float32)


def directly(module: Network, planes: FloatArray) -> FloatArray:
    """What the network says about a whole plane, by torch's own padding and none of the code under test."""
    stride = module.stride
    height, width = planes.shape[1:]
    x = functional.pad(torch.from_numpy(planes.copy())[None], (0, -width % stride, 0, -height % stride), mode="reflect")
    with torch.inference_mode():
        result: FloatArray = torch.sigmoid(module(x))[0, 0, :height, :width].numpy()
    return result


def directly_drawn(model: LoadedModel, drawn: NetInput) -> FloatArray:
    return np.where(drawn.inside, directly(model.module, drawn.planes), np.float32(0.0))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * int((a & b).sum()) / int(a.sum() + b.sum())


# Whole photographs


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (62, 64), (5, 7)])
def test_a_whole_run_is_the_network(model: LoadedModel, size: tuple[int, int]) -> None:
    planes = noise(*size)
    prediction = predict(model, as_input(planes), WHOLE)
    np.testing.assert_allclose(prediction.values, directly(model.module, planes), atol=1e-6)
    assert (prediction.tiles, prediction.passes, prediction.precision) == (1, 1, "fp32")


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (2, 3)])
def test_planes_smaller_than_the_stride_are_no_obstacle(model: LoadedModel, size: tuple[int, int]) -> None:
    assert predict(model, as_input(noise(*size)), WHOLE).values.shape == size


def test_the_probability_is_zero_outside_the_field_of_view_and_only_there(model: LoadedModel, drawn: NetInput) -> None:
    values = predict(model, drawn, WHOLE).values
    assert not drawn.inside.all()
    assert (values[~drawn.inside] == 0.0).all()
    assert (values[drawn.inside] > 0.0).all()
    assert values.dtype == np.float32
    assert not values.flags.writeable


@pytest.mark.parametrize("size", [(64, 64), (61, 83)])
def test_flips_are_the_mean_of_the_four_mirror_images(model: LoadedModel, size: tuple[int, int]) -> None:
    planes = noise(*size)
    views = [(), (2,), (1,), (1, 2)]
    expected = np.mean(
        [np.flip(directly(model.module, np.flip(planes, axes)), [axis - 1 for axis in axes]) for axes in views], axis=0
    )
    flipped = predict(model, as_input(planes), replace(WHOLE, tta="flips")).values
    np.testing.assert_allclose(flipped, expected, atol=1e-6)
    assert np.abs(flipped - directly(model.module, planes)).max() > 1e-3
    again = predict(model, as_input(np.flip(planes, 2)), replace(WHOLE, tta="flips")).values
    if size == (64, 64):  # without padding the mean does not know left from right
        np.testing.assert_allclose(np.flip(again, 1), flipped, atol=1e-6)


def test_convolutions_cut_into_strips_give_the_same(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    planes = noise(61, 83)
    whole, coarse, fine = predict(model, as_input(planes), WHOLE).values, Recorder(), Recorder()
    predict(model, as_input(planes), WHOLE, monitor=coarse)
    monkeypatch.setattr(folding, "_STRIP_MULTIPLICATIONS", 84 * 9 * 16 * 5)
    np.testing.assert_allclose(predict(model, as_input(planes), WHOLE, monitor=fine).values, whole, atol=1e-6)
    assert len(fine.steps) > 2 * len(coarse.steps)
    assert [step.fraction for step in fine.steps].count(1.0) == 1, "a strip is no layer"


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 30),
    kernel=st.sampled_from([(1, 1), (3, 3), (5, 3), (2, 2)]),
    padding=st.integers(0, 2),
    budget=st.integers(1, 3000),
)
def test_any_convolution_can_be_cut(rows: int, kernel: tuple[int, int], padding: int, budget: int) -> None:
    conv = nn.Conv2d(3, 2, kernel, padding=padding).requires_grad_(False)
    x = torch.randn(1, 3, rows, 11)
    assume(padding < kernel[0] and rows + 2 * padding >= kernel[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "_STRIP_MULTIPLICATIONS", budget)
        cut = folding.FoldedConv(conv)(x)
    torch.testing.assert_close(cut, conv(x), atol=1e-5, rtol=1e-5)


# Tiles


def reach(depth: int, convolutions: int) -> int:
    """How many pixels away a U-Net's output looks, at most, where each block has this many 3 x 3 convolutions."""
    down_and_up = 2 * sum(2**level for level in range(depth))
    return convolutions * (down_and_up + 2**depth) + 2 ** (depth + 1)


@pytest.mark.parametrize(("name", "convolutions"), [("serr-unet", 4), ("unet", 2)])
def test_tiles_with_enough_overlap_and_passes_are_the_whole_photograph(name: str, convolutions: int) -> None:
    torch.manual_seed(3)
    config = {"width": 4, "depth": 1} | ({"steps": 1, "reduction": 2} if name == "serr-unet" else {})
    module = build(name, config).train()
    module(torch.from_numpy(noise(128, 128))[None])  # settles the normalisation statistics
    uneven = noise(301, 410) * np.linspace(0.2, 3.0, 410, dtype=np.float32)  # tiles differ, and so do their own gates
    overlap = 4 * reach(1, convolutions) + 8
    options = InferenceOptions(device="cpu", precision="fp32", tile_px=200, overlap_px=overlap, gate_tolerance=0.0)
    tested = as_model(module)
    expected = directly(tested.module, uneven)
    assert overlap <= 100, "more than half of a tile would not be used"

    tiled = predict(tested, as_input(uneven), options)
    assert tiled.tiles > 4
    np.testing.assert_allclose(tiled.values, expected, atol=1e-5)

    if name == "unet":
        assert tiled.passes == 1
        return
    gates = 3
    assert 2 <= tiled.passes <= gates + 1
    own_gates = predict(tested, as_input(uneven), replace(options, gate_tolerance=1.0))
    assert own_gates.passes == 1
    assert np.abs(own_gates.values - expected).max() > 0.01, (
        "the tiles' own gates must matter for this to prove anything"
    )
    flipped = predict(tested, as_input(uneven), replace(options, tta="flips")).values
    np.testing.assert_allclose(
        flipped, predict(tested, as_input(uneven), replace(WHOLE, tta="flips")).values, atol=1e-5
    )


def test_default_tiles_of_a_photograph_agree_with_the_whole(model: LoadedModel, drawn: NetInput) -> None:
    whole = directly_drawn(model, drawn)
    tiled = predict(model, drawn, replace(WHOLE, tile_px=256))
    assert tiled.tiles >= 4
    assert tiled.passes <= 3
    difference = np.abs(tiled.values - whole)
    assert dice(tiled.values >= 0.375, whole >= 0.375) >= 0.999
    assert difference.max() < 0.004
    # No larger at the seams than elsewhere: the middle of each overlap, against the rest.
    middle = drawn.inside.shape[0] // 2
    seam = np.zeros_like(drawn.inside)
    seam[middle - 32 : middle + 32] = seam[:, middle - 32 : middle + 32] = True
    assert difference[seam & drawn.inside].mean() < 2 * difference[~seam & drawn.inside].mean() + 1e-5


def test_settled_options_repeat_a_run_bit_for_bit(model: LoadedModel, drawn: NetInput) -> None:
    first = predict(model, drawn, InferenceOptions(tile_px=256, tta="flips"))
    assert first.options.precision != "auto"
    assert first.options.device != "auto"
    again = predict(model, drawn, InferenceOptions.from_dict(first.options.to_dict()))
    assert again.options == first.options
    np.testing.assert_array_equal(again.values, first.values)
    whole = predict(model, drawn)
    assert whole.tiles == 1
    np.testing.assert_array_equal(predict(model, drawn, whole.options).values, whole.values)


# Number formats


def test_bf16_is_close_to_fp32(model: LoadedModel, drawn: NetInput) -> None:
    exact = directly_drawn(model, drawn)
    for tile_px in (WHOLE.tile_px, 256):
        rough = predict(model, drawn, replace(WHOLE, precision="bf16", tile_px=tile_px))
        assert rough.precision == "bf16"
        assert 0.0 < np.abs(rough.values - exact).max() < 0.1
        assert dice(rough.values >= 0.375, exact >= 0.375) > 0.99


class Overflowing(Network):
    """Fine in fp32, infinite in fp16; or not a number in any format."""

    def __init__(self, factor: float) -> None:
        super().__init__(in_channels=1)
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, factor)

    def forward(self, x: Tensor) -> Tensor:
        large: Tensor = self.conv(x * 3e4)
        return large - large + x


def test_a_format_that_overflows_gives_way_to_fp32_and_says_so() -> None:
    monitor = Recorder()
    planes = 1.0 + np.abs(noise(16, 16))
    result = predict(as_model(Overflowing(1e3)), as_input(planes), replace(WHOLE, precision="fp16"), monitor=monitor)
    assert result.precision == "fp32"
    assert monitor.notes == list(result.notes)
    assert "fp32" in monitor.notes[0]
    with pytest.raises(WeightsError, match="not numbers"):
        predict(as_model(Overflowing(float("inf"))), as_input(planes), WHOLE)


# Out of memory


class Limited(Network):
    """A network on a device that is too small: planes above a limit do not fit."""

    def __init__(self, module: Network, pixels: int, error: BaseException) -> None:
        super().__init__(in_channels=module.in_channels, stride=module.stride)
        self.module, self.pixels, self.error = module, pixels, error

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "meta" and x.shape[2] * x.shape[3] > self.pixels:
            raise self.error
        result: Tensor = self.module(x)
        return result


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried ..."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: not enough memory: you tried ..."),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("could not create a primitive"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=str)
def test_every_way_of_saying_out_of_memory_is_understood(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("size mismatch"))


def test_out_of_memory_means_smaller_tiles_and_the_user_is_told(model: LoadedModel, drawn: NetInput) -> None:
    monitor = Recorder()
    limited = replace(model, module=Limited(model.module, 200 * 200, OUT_OF_MEMORY[0]).eval())
    result = predict(limited, drawn, InferenceOptions(device="cpu", precision="fp32"), monitor=monitor)
    assert result.tiles > 1
    assert max(result.tile_shape) <= 200
    assert monitor.notes == list(result.notes)
    assert "184 pixels" in monitor.notes[0]
    np.testing.assert_allclose(result.values, directly_drawn(model, drawn), atol=0.02)
    again = predict(limited, drawn, result.options)
    assert again.notes == ()
    np.testing.assert_array_equal(again.values, result.values)


def test_no_memory_at_all_is_an_error_that_says_so(model: LoadedModel, drawn: NetInput) -> None:
    monitor = Recorder()
    limited = replace(model, module=Limited(model.module, 100, torch.OutOfMemoryError("none")).eval())
    with pytest.raises(DeviceError, match="not enough memory"):
        predict(limited, drawn, WHOLE, monitor=monitor)
    assert 1 <= len(monitor.notes) <= 3


def test_other_errors_are_not_taken_for_memory(model: LoadedModel, drawn: NetInput) -> None:
    limited = replace(model, module=Limited(model.module, 100, RuntimeError("a bug")).eval())
    with pytest.raises(RuntimeError, match="a bug"):
        predict(limited, drawn, WHOLE)
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_device_that_is_full_hands_over_to_the_cpu() -> None:
    told: list[str] = []
    gpu = Device("cuda:0", "NVIDIA Test")
    smaller = fall_back(gpu, "bf16", 300, InferenceOptions(), told.append)
    assert smaller == (gpu, "bf16", 300)
    cpu = fall_back(gpu, "fp16", 100, InferenceOptions(tile_px=500), told.append)
    assert cpu is not None
    assert cpu == (choose_device("cpu"), fastest_precision(choose_device("cpu")), 500)
    assert fall_back(choose_device("cpu"), "fp32", 100, InferenceOptions(), told.append) is None
    assert [word in sentence for word, sentence in zip(("300 pixels", "CPU"), told, strict=True)] == [True, True]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on a process's memory can be set on Linux")
def test_real_memory_that_runs_out_means_smaller_tiles(tmp_path: Path) -> None:
    """A process that may not have the memory for the whole plane finishes in tiles."""
    program = """
import resource, sys
import numpy as np, torch
from pathlib import Path
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.networks.registry import build
from core.photo.preprocessing import NetInput
from core.photo.recipe import Preprocessing
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel
torch.set_num_threads(1)
module = build("unet", {"width": 16, "depth": 2}).eval().requires_grad_(False)
model = LoadedModel(ModelCard("u", "unet", {}, Preprocessing()), module, Path("u"), "")
planes = np.zeros((1, 1000, 1000), np.float32)
data = NetInput(planes, np.ones((1000, 1000), bool), 1.0, (0, 0, 1000, 1000), (1000, 1000), Preprocessing())
small = NetInput(planes[:, :64, :64], np.ones((64, 64), bool), 1.0, (0, 0, 64, 64), (64, 64), Preprocessing())
predict(model, small, InferenceOptions(device="cpu", precision="fp32"))  # everything that is loaded late is loaded
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), resource.RLIM_INFINITY))
result = predict(model, data, InferenceOptions(device="cpu", precision="fp32", tile_px=1000))
print(result.tiles, *result.notes)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 1
    assert "memory ran out" in done.stdout


# Long work


@pytest.mark.parametrize("tile_px", [None, 200])
@pytest.mark.parametrize("cancel_at", [1, 17, 40])
def test_cancelled_between_any_two_layers(
    model: LoadedModel, drawn: NetInput, tile_px: int | None, cancel_at: int
) -> None:
    threads = torch.get_num_threads()
    monitor = Recorder(cancel_at)
    with pytest.raises(Cancelled):
        predict(model, drawn, replace(WHOLE, tile_px=tile_px, threads=threads + 1), monitor=monitor)
    assert len(monitor.steps) == cancel_at
    assert torch.get_num_threads() == threads
    np.testing.assert_allclose(predict(model, drawn, WHOLE).values, directly_drawn(model, drawn), atol=1e-6)


@pytest.mark.parametrize("options", [WHOLE, replace(WHOLE, tile_px=200), replace(WHOLE, tta="flips")])
def test_progress_goes_from_nothing_to_all_in_each_stage(
    model: LoadedModel, drawn: NetInput, options: InferenceOptions
) -> None:
    monitor = Recorder()
    predict(model, drawn, options, monitor=monitor)
    stages = list(dict.fromkeys(step.stage for step in monitor.steps))
    for stage in stages:
        shares = [step.fraction for step in monitor.steps if step.stage == stage]
        assert all(share is not None for share in shares)
        assert shares == sorted(shares)  # type: ignore[type-var]
        assert shares[-1] == 1.0
    assert any("Finding vessels" in stage for stage in stages)


def test_a_model_is_never_changed_and_serves_several_threads(model: LoadedModel, drawn: NetInput) -> None:
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    expected = {px: predict(model, drawn, replace(WHOLE, tile_px=px)).values for px in (160, 200, 100_000)}
    results: dict[int, FloatArray] = {}

    def work(tile_px: int) -> None:
        results[tile_px] = predict(model, drawn, replace(WHOLE, tile_px=tile_px)).values

    workers = [threading.Thread(target=work, args=(px,)) for px in expected]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for tile_px, values in expected.items():
        np.testing.assert_array_equal(results[tile_px], values)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.module.state_dict().items())
    assert not any(layer._forward_hooks for layer in model.module.modules())


# What cannot be done


def test_another_number_of_planes_is_refused(model: LoadedModel) -> None:
    with pytest.raises(WeightsError, match="reads 1 planes"):
        predict(model, as_input(noise(16, 16, planes=3)))


def test_devices() -> None:
    assert list_devices()[-1].torch_name == "cpu"
    assert choose_device("auto").torch_name == list_devices()[0].torch_name
    assert choose_device("CPU ").label.startswith("CPU, ")
    for absent in ("cuda:99", "tpu", ""):
        with pytest.raises(DeviceError, match=r"Choose .*cpu"):
            choose_device(absent)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_an_absent_gpu_is_said_to_be_absent(model: LoadedModel, drawn: NetInput) -> None:
    with pytest.raises(DeviceError, match='no device "cuda"'):
        predict(model, drawn, InferenceOptions(device="cuda"))


@pytest.mark.parametrize(
    "values",
    [
        {"tta": "rotations"},
        {"precision": "int8"},
        {"tile_px": 10},
        {"overlap_px": -1},
        {"threads": 0},
        {"gate_tolerance": -1.0},
    ],
)
def test_impossible_options_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        InferenceOptions.from_dict(values)
