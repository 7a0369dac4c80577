"""The engine OpenVINO: a network converted once for planes of any size, and run on the processor.

The package is an extra. It reports its use to its maker, also when it is imported, unless the package that does so is
missing: for this program it is.
"""

import copy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import torch
from torch import Tensor, nn

from core.errors import EngineError
from core.inference.device import Device
from core.inference.options import Precision
from core.inference.runner import Runner, probe
from core.inference.se_gates import SharedGates
from core.networks.base import Network

_PRECISIONS: Final[dict[Precision, str]] = {"fp32": "f32", "bf16": "bf16"}
_POLL_MS: Final = 50
_TELEMETRY: Final = "openvino_telemetry"


class OpenVinoRunner(Runner):
    """Runs a network by OpenVINO on the processor, on as many threads as torch has when it is made.

    It cannot share gates among tiles. A run is one layer, and can be cancelled within it.

    Raises
    ------
    EngineError : the network cannot be converted, or there is no such number format.
    """

    def __init__(self, module: Network, device: Device, precision: Precision) -> None:
        own = copy.deepcopy(module).eval().requires_grad_(False)
        numbers_per_pixel, _ = probe(own)
        super().__init__(
            module,
            device,
            precision,
            layers=1,
            numbers_per_pixel=numbers_per_pixel,
            gates=SharedGates(nn.Identity()),
            shares_gates=not len(SharedGates(own)),
        )
        if precision not in _PRECISIONS:
            raise EngineError(f"The engine openvino does not compute in {precision}. Choose fp32, or the engine torch.")
        openvino = imported()
        self._version = str(openvino.__version__).partition("-")[0]
        how = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,  # processes side by side would all take the same cores
        }
        try:
            self._compiled = openvino.Core().compile_model(_converted(openvino, own), "CPU", how)
        except (RuntimeError, openvino.frontend.OpConversionFailure) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise EngineError(
                f"The engine openvino cannot run this network ({reason:.200}). Use the engine torch."
            ) from error

    @property
    def label(self) -> str:
        return f"{self.device.label}, OpenVINO {self._version}"

    def _logits(self, x: Tensor) -> Tensor:
        request = self._compiled.create_infer_request()
        request.start_async({0: x.numpy()}, share_inputs=True)
        try:
            while not request.wait_for(_POLL_MS):
                self.calls.strip()
        except BaseException:
            request.cancel()
            with suppress(RuntimeError):  # which says that it was cancelled
                request.wait()
            raise
        logits = torch.from_numpy(request.get_output_tensor(0).data.copy())
        self.calls.layer()
        return logits


def imported() -> Any:
    """The package, silenced. Only what has its spec here may be asked for it (``engine_choice.is_installed``)."""
    with _without_telemetry():
        import openvino
        import openvino.frontend
    return openvino


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Inside the block the package that reports uses to Intel cannot be imported; OpenVINO does without it."""
    known = sys.modules.get(_TELEMETRY)
    if known is not None or "openvino" in sys.modules:
        yield  # another part of this process has imported it already
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _converted(openvino: Any, network: Network) -> Any:
    """The network as OpenVINO has it, for one photograph of any size."""
    side = 4 * network.stride
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the check of the size is not traced: the predictor pads
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, torch.zeros(1, network.in_channels, side, side), check_trace=False
        )
        return openvino.convert_model(traced, input=[(1, network.in_channels, -1, -1)])
