"""Would ONNX Runtime be an engine? It beside torch and OpenVINO, on real photographs at the networks' own grids.

    pip install onnxruntime onnx
    python benchmarks/onnx_runtime.py --photos DRIVE/training/images/21_training.tif ... [--threads 1] [--repeats 9]

Each engine runs each photograph in turn, so that what else the machine does meets all alike. For each model a table:
processor time for a photograph (the network alone, median over all), its ratio and that of the wall clock to torch as
it is shipped, the processor time to make the engine ready with its imports, the largest memory of a process that does
the first photograph once, and against torch in fp32 the smallest Dice of the masks at the model's threshold and the
largest difference of a probability. Nothing is written. For Linux.
"""

import argparse
import copy
import io
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as the program sets it; read when torch is loaded

import numpy as np
import torch
from torch import Tensor, nn

from core.inference.device import choose_device, fastest_precision, threads
from core.inference.engine_choice import is_installed
from core.inference.memory import return_freed
from core.inference.runner import Runner, TorchRunner, probe
from core.inference.se_gates import SharedGates
from core.models.catalogue import DEFAULT_MODEL, load_model
from core.models.weights_file import LoadedModel
from core.networks.base import Network
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import NetInput, prepare
from core.photo.reading import read_fundus
from core.types import FloatArray

_TORCH: Final = "torch"
_EXACT: Final = "torch, fp32"
_OPENVINO: Final = "openvino, fp32"
_ONNX: Final = "onnxruntime, fp32"


class OnnxRunner(Runner):
    """Runs a network by ONNX Runtime, exported when it is made, for one photograph of any size."""

    def __init__(self, module: Network, count: int) -> None:
        own = copy.deepcopy(module).eval().requires_grad_(False)
        numbers, _ = probe(own)
        super().__init__(
            module,
            choose_device("cpu"),
            "fp32",
            layers=1,
            numbers_per_pixel=numbers,
            gates=SharedGates(nn.Identity()),
            shares_gates=False,
        )
        import onnxruntime

        how = onnxruntime.SessionOptions()
        how.intra_op_num_threads, how.inter_op_num_threads = count, 1
        how.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as the program lets OpenMP wait
        self._session: Any = onnxruntime.InferenceSession(_exported(own), how, providers=["CPUExecutionProvider"])

    def _logits(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._session.run(None, {"planes": x.numpy()})[0])


def _exported(network: Network) -> bytes:
    """By tracing: torch's newer exporter takes 20 times as long, and its file runs no faster."""
    side, file = 4 * network.stride, io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, network.in_channels, side, side),),
            file,  # type: ignore[arg-type]
            dynamo=False,
            input_names=["planes"],
            output_names=["logits"],
            dynamic_axes={name: {2: "rows", 3: "columns"} for name in ("planes", "logits")},
        )
    return file.getvalue()


def made(way: str, module: Network, count: int) -> Runner:
    """The runner of a way, on ``count`` threads."""
    device = choose_device("cpu")
    if way == _ONNX:
        return OnnxRunner(module, count)
    if way == _OPENVINO:
        from core.inference.openvino_runner import OpenVinoRunner

        return OpenVinoRunner(module, device, "fp32")
    return TorchRunner(module, device, fastest_precision(device) if way == _TORCH else "fp32")


def ways() -> list[str]:
    """Torch as it is shipped first, which the others are compared with."""
    exact = [_EXACT] if fastest_precision(choose_device("cpu")) != "fp32" else []
    return [_TORCH, *exact, *([_OPENVINO] if is_installed("openvino") else []), _ONNX]


def prepared(photo: Path, model: LoadedModel) -> NetInput:
    """As the program prepares it where no field of view is given."""
    image = read_fundus(photo)
    return prepare(image, estimate_field_of_view(image), model.card.preprocessing)


def padded(photo: NetInput, stride: int) -> FloatArray:
    """As ``core.inference.predictor`` pads it."""
    rows, columns = photo.inside.shape
    made: FloatArray = np.pad(photo.planes, ((0, 0), (0, -rows % stride), (0, -columns % stride)), mode="reflect")
    return made


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, processor and wall-clock time in seconds."""
    wall, used = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - used, time.perf_counter() - wall


def one(way: str, name: str, photo: Path, count: int) -> None:
    """A process of its own: the processor time to make the engine ready, and the largest memory in bytes."""
    with threads(count):
        model = load_model(name)
        planes = padded(prepared(photo, model), model.module.stride)
        runner, used, _ = timed(lambda: made(way, model.module, count))
        runner.run(planes)
    status = Path("/proc/self/status").read_text()  # what getrusage says begins with the peak of the parent
    print(used, int(status.partition("VmHWM:")[2].split()[0]) * 1024)


def table(name: str, photos: list[Path], count: int, repeats: int) -> None:
    """Print the table of a model."""
    model = load_model(name)
    inputs = [prepared(photo, model) for photo in photos]
    planes = [padded(each, model.module.stride) for each in inputs]
    runners = {way: made(way, model.module, count) for way in ways()}
    used: dict[str, list[list[float]]] = {way: [[] for _ in photos] for way in runners}
    walls: dict[str, list[list[float]]] = {way: [[] for _ in photos] for way in runners}
    found: dict[str, list[FloatArray]] = {way: [] for way in runners}
    for round_ in range(repeats + 1):
        for number, each in enumerate(planes):
            for way, runner in runners.items():
                values, cpu, wall = timed(lambda runner=runner, each=each: runner.run(each))  # type: ignore[misc]
                return_freed()  # as after each photograph
                if round_ == 0:
                    found[way].append(model.card.scaling.apply(values[0]))
                else:
                    used[way][number].append(cpu)
                    walls[way][number].append(wall)
    exact = found[_EXACT if _EXACT in found else _TORCH]
    level = model.card.default_threshold
    grids = sorted({f"{each.shape[2]} x {each.shape[1]}" for each in planes})
    print(f"\n{name}, {len(photos)} photographs ({', '.join(grids)}), {count} threads\n")
    print("| engine | processor, ms | ratio | clock, ratio | ready, s | peak, MB | smallest Dice | difference |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    middle = {way: statistics.fmean(map(statistics.median, used[way])) for way in runners}
    clock = {way: statistics.fmean(map(statistics.median, walls[way])) for way in runners}
    for way in runners:
        ready, peak = _alone(way, name, photos[0], count)
        dice, most = 1.0, 0.0
        for mine, theirs, photo in zip(found[way], exact, inputs, strict=True):
            rows, columns = photo.inside.shape
            a, b = ((map_[:rows, :columns] >= level) & photo.inside for map_ in (mine, theirs))
            dice = min(dice, 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))
            most = max(most, float(np.abs(mine - theirs)[:rows, :columns][photo.inside].max()))
        numbers = f"{middle[way] * 1e3:.0f} | {middle[way] / middle[_TORCH]:.2f} | {clock[way] / clock[_TORCH]:.2f}"
        print(f"| {way} | {numbers} | {ready:.2f} | {peak / 1e6:.0f} | {dice:.6f} | {most:.1e} |", flush=True)


def _alone(way: str, name: str, photo: Path, count: int) -> tuple[float, float]:
    command = [sys.executable, __file__, "--photos", str(photo), "--models", name, "--threads", str(count)]
    said = subprocess.run([*command, "--one", way], check=True, capture_output=True, text=True).stdout.split()
    return float(said[-2]), float(said[-1])


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--models", nargs="+", default=[DEFAULT_MODEL, "serr-unet-general"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if missing := [package for package in ("onnxruntime", "onnx") if find_spec(package) is None]:
        print(f"Not measured: {' and '.join(missing)} not installed. Install: pip install onnxruntime onnx.")
        return
    if given.one:
        one(given.one, given.models[0], given.photos[0], given.threads)
        return
    packages = ", ".join(f"{each} {version(each)}" for each in ("torch", "onnxruntime", "onnx"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}")
    with threads(given.threads) as count:
        for name in given.models:
            table(name, given.photos, count, given.repeats)
    print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
