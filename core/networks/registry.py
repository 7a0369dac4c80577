"""Networks by name: the configuration that a weights file carries becomes a module here and nowhere else."""

from collections.abc import Callable, Mapping
from typing import Any

from core.networks import serr_unet
from core.networks.base import Network
from core.networks.families import validated


def build(name: str, config: Mapping[str, object]) -> Network:
    """A network with fresh random weights.

    Raises
    ------
    WeightsError : the architecture is unknown or the configuration has a wrong or unknown field.
    """
    checked: Any = validated(name, config)
    return serr_unet.make(checked) if name == "serr-unet" else _others()[name](checked)


def _others() -> Mapping[str, Callable[[Any], Network]]:
    """All but the one of nearly all models: a first photograph need not wait until these are imported."""
    from core.networks import attention_unet, deeplab_v3plus, r2_unet, res_unet, rrdb, se_unet, unet

    return {
        "unet": unet.make,
        "res-unet": res_unet.make,
        "se-unet": se_unet.make,
        "r2-unet": r2_unet.make,
        "attention-unet": attention_unet.make,
        "deeplab-v3plus": deeplab_v3plus.make,
        "rrdb": rrdb.make,
    }
