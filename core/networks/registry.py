"""Networks by name: the configuration that a weights file carries becomes a module here and nowhere else."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.networks import attention_unet, deeplab_v3plus, r2_unet, res_unet, rrdb, se_unet, serr_unet, unet
from core.networks.base import Network
from core.networks.families import validated

_MAKERS: Final[Mapping[str, Callable[[Any], Network]]] = {
    "serr-unet": serr_unet.make,
    "unet": unet.make,
    "res-unet": res_unet.make,
    "se-unet": se_unet.make,
    "r2-unet": r2_unet.make,
    "attention-unet": attention_unet.make,
    "deeplab-v3plus": deeplab_v3plus.make,
    "rrdb": rrdb.make,
}


def build(name: str, config: Mapping[str, object]) -> Network:
    """A network with fresh random weights.

    Raises
    ------
    WeightsError : the architecture is unknown or the configuration has a wrong or unknown field.
    """
    checked = validated(name, config)
    return _MAKERS[name](checked)
