"""Networks, engines and products of matrices that ``one_photograph.py`` measures beside one another."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from peers import LittleWNet
from torch.utils.flop_counter import FlopCounterMode

from core.inference.device import choose_device, fastest_precision
from core.inference.engine_choice import is_installed
from core.inference.folding import fold, to_precision
from core.inference.memory import return_freed
from core.inference.options import ENGINES, InferenceOptions
from core.inference.predictor import predict
from core.inference.runner import _channels_last
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.networks.cost import DRIVE_PX, gflop
from core.networks.families import FAMILIES
from core.networks.registry import build
from core.photo.preprocessing import NetInput

_SMALL = "serr-unet-general-small"
_MATRIX = 2048
_PATCH_PX, _PATCH_STEP_PX, _PATCHES = 96, 5, 8
_FORMS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Way:
    """One way to do a photograph: ``parts`` runs of ``work`` make the whole, ``gflop`` is that of the whole."""

    name: str
    work: Callable[[], object]
    gflop: float
    parts: float = 1.0


def all_ways(threads: int) -> Iterator[Way]:
    """The W-Net of lwnet first, which the others are compared with."""
    form = fastest_precision(choose_device("cpu"))
    wnet, size = LittleWNet(), _planes(3, 512)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        wnet.eval()(size)
    yield Way("lwnet's W-Net, fp32, 512 x 512", _run(wnet, size, "fp32"), counter.get_total_flops() / 1e9)
    yield from _shipped(form)
    yield from _engines(threads)
    yield _authors()
    unet = fold(build("unet", {"width": 64, "depth": 4}).eval().requires_grad_(False))
    to_precision(unet, _FORMS[form])
    cost = gflop("unet", {"width": 64, "depth": 4}, (720, 720))
    yield Way(f"U-Net of width 64, {form}, folded, 720 x 720", _run(unet, _planes(1, 720), form), cost)
    for text, dtype in _FORMS.items():
        one = torch.rand(_MATRIX, _MATRIX).to(dtype)
        yield Way(f"product of matrices, {_MATRIX}^3, {text}", lambda one=one: one @ one, 2 * _MATRIX**3 / 1e9)  # type: ignore[misc]


def _shipped(form: str) -> Iterator[Way]:
    for name, side in (("serr-unet-general", 720), (_SMALL, 720), ("serr-unet-drive-small", 544)):
        model = load_model(name)
        cost = gflop(model.card.architecture, model.card.config, (side, side))
        folded = fold(copy.deepcopy(model.module))
        to_precision(folded, _FORMS[form])
        yield Way(f"{name} as it is run, {form}, {side} x {side}", _run(folded, _planes(1, side), form), cost)
        for text in _FORMS if name == "serr-unet-general" else ():
            plain = copy.deepcopy(model.module)
            yield Way(f"{name} as trained, {text}, {side} x {side}", _run(plain, _planes(1, side), text), cost)


def _engines(threads: int) -> Iterator[Way]:
    """General models through ``predict``, with all that a photograph takes there: the second one of a folder."""
    noise = np.random.default_rng(0).random((1, 720, 720), np.float32)
    every = np.ones((720, 720), bool)
    for model, engine in product((load_model(), load_model(_SMALL)), filter(is_installed, ENGINES)):
        card = model.card
        prepared = NetInput(noise, every, 1.0, (0, 0, 720, 720), (720, 720), card.preprocessing)
        options = InferenceOptions(device="cpu", threads=threads, engine=engine)

        def whole(
            model: LoadedModel = model, prepared: NetInput = prepared, options: InferenceOptions = options
        ) -> None:
            predict(model, prepared, options)
            return_freed()  # as after each photograph

        cost = gflop(card.architecture, card.config, (720, 720))
        yield Way(f"{card.name} through `predict`, {engine}, 720 x 720", whole, cost)


def _authors() -> Way:
    """The network as published on patches of 96 at steps of 5 over a photograph of DRIVE; a batch of them is run."""
    config = FAMILIES["serr-unet"].published
    network = build("serr-unet", config)
    rows, columns = (math.ceil((side - _PATCH_PX) / _PATCH_STEP_PX) + 1 for side in DRIVE_PX)
    patches = _channels_last(torch.rand(_PATCHES, network.in_channels, _PATCH_PX, _PATCH_PX))
    cost = gflop("serr-unet", config, (_PATCH_PX, _PATCH_PX)) * rows * columns
    name = (
        f"SERR-U-Net as published, {rows * columns} patches of 96 x 96 at steps of 5, fp32 (reckoned from {_PATCHES})"
    )
    return Way(name, _run(network, patches, "fp32"), cost, rows * columns / _PATCHES)


def _planes(channels: int, side: int) -> torch.Tensor:
    return _channels_last(torch.rand(1, channels, side, side))


def _run(module: torch.nn.Module, x: torch.Tensor, form: str) -> Callable[[], object]:
    module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def once() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=form != "fp32"):
            return module(x)

    return once
