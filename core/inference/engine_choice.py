"""Which engines there are, and whether one can be had. Free of torch and of the engines: asked before anything long."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from core.errors import EngineError
from core.inference.options import ENGINES, Engine

_INSTALL: Final = "pip install 'serr-fundus[openvino]'"


def checked_engine(engine: Engine, device: str = "auto") -> Engine:
    """The engine, where it is installed and can compute on the device (a name as of ``InferenceOptions``).

    Raises
    ------
    EngineError : it is not, or cannot.
    """
    if engine == "torch":
        return engine
    if not is_installed(engine):
        raise EngineError(
            f"The engine openvino needs the package OpenVINO, which is not installed. Install it ({_INSTALL}), or use "
            "the engine torch."
        )
    if device.strip().lower() not in {"auto", "cpu"}:
        raise EngineError(
            f'The engine openvino computes on the CPU, not on the device "{device}". Choose the device cpu, or the '
            "engine torch."
        )
    return engine


def is_installed(engine: Engine) -> bool:
    """Whether its package can be imported."""
    return engine == "torch" or find_spec("openvino") is not None


def engine_versions() -> dict[str, str]:
    """Each engine with its version, or how to get it, in words."""
    return {engine: _version(engine) for engine in ENGINES}


def _version(engine: Engine) -> str:
    try:
        return version(engine)
    except PackageNotFoundError:
        return f"not installed: {_INSTALL}"
