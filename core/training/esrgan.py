"""Training a generator as ESRGAN does (Wang et al. 2018, arXiv 1809.00219), within a given time.

In the first part of the time the loss is L1, so that the generator comes near to the sound photographs (high PSNR); in
the second perceptual and adversarial losses are added, which give sharper pictures with a lower PSNR. The weights of
both are kept, as a running mean, for a choice by photographs that were not learned from.

A killed run continues from its last checkpoint. The schedule follows the clock, so that two runs of one seed differ.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.enhancement.adversary import FEATURES_OF, Discriminator, VesselFeatures, relativistic_loss
from core.enhancement.degradation import degrade, draw_strengths
from core.enhancement.enhancer import ENHANCERS, Scale
from core.errors import TrainingError
from core.files import ensure_folder
from core.models.catalogue import load_model
from core.models.model_card import ModelCard
from core.models.weights_file import save_model
from core.networks.families import RrdbConfig
from core.networks.rrdb import RrdbNet
from core.photo.recipe import Preprocessing
from core.progress import SILENT, Monitor, Progress
from core.strict import finite_number
from core.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    prefixed,
    refuse_not_numbers,
    restore_optimiser,
    save_checkpoint,
)
from core.training.esrgan_photos import PATCH_PX, Patches, load_patches

CHECKPOINT_FILE: Final = "checkpoint.safetensors"
PLAIN: Final = Preprocessing(colour="rgb", fov_diameter_px=0, standardise=False, clahe_clip=0, gamma=1)
"""The recipe of a generator: it reads red, green and blue as they are."""

_Net = TypeVar("_Net", bound=nn.Module)

_BETAS = (0.9, 0.99)
_JUDGED = {"cpu": 24}  # patches for choosing; elsewhere four times as many


@dataclass(frozen=True, slots=True)
class EsrganConfig:
    """How a generator is trained.

    Parameters
    ----------
    scale, width, growth, blocks : of the generator (``RrdbConfig``).
    crop_px, batch : side of a crop of the sound photograph, and crops in a step.
    rate, rate_adversarial : Adam's rate at the start of each part, which falls to a tenth along a cosine.
    first_part : share of the time with L1 alone.
    perceptual, adversarial : weights of these losses beside L1's, which is 1.
    mean_decay : of the running mean of the weights, which is what is kept.
    """

    scale: Scale = 1
    width: int = 32
    growth: int = 8
    blocks: int = 4
    crop_px: int = 96
    batch: int = 32
    rate: float = 1e-3
    rate_adversarial: float = 2e-4
    first_part: float = 0.6
    perceptual: float = 0.02
    adversarial: float = 0.002
    mean_decay: float = 0.995
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """When a training ends: after ``minutes`` since ``started`` (``time.monotonic``), or after ``steps``."""

    minutes: float | None = None
    steps: int | None = None
    started: float = 0.0

    def share(self, step: int, seconds_before: float) -> float:
        """How much of it is used, 0 to 1; ``seconds_before`` those of an earlier process."""
        used = 0.0 if self.steps is None else step / max(self.steps, 1)
        if self.minutes is not None:
            used = max(used, (seconds_before + time.monotonic() - self.started) / (60 * self.minutes))
        return min(used, 1.0)


class _State:
    """The networks, their optimisers, and how far the training is."""

    def __init__(self, config: EsrganConfig, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        shape = RrdbConfig(scale=config.scale, width=config.width, growth=config.growth, blocks=config.blocks)
        self.shape, self.device = shape, device
        self.generator = _last(RrdbNet(shape).to(device))
        self.mean = _last(RrdbNet(shape).to(device)).requires_grad_(False)
        self.mean.load_state_dict(self.generator.state_dict())
        self.critic = _last(Discriminator().to(device))
        fused = device.type == "cuda"
        self.optimiser = torch.optim.Adam(self.generator.parameters(), config.rate, _BETAS, fused=fused)
        self.critics = torch.optim.Adam(self.critic.parameters(), config.rate_adversarial, _BETAS, fused=fused)
        self.step, self.seconds, self.second_part = 0, 0.0, False

    def save(self, path: Path, seconds: float, config: EsrganConfig) -> None:
        parts = (
            prefixed("generator", self.generator.state_dict()),
            prefixed("mean", self.mean.state_dict()),
            prefixed("critic", self.critic.state_dict()),
            prefixed("optimiser", optimiser_tensors(self.optimiser)),
            prefixed("critics", optimiser_tensors(self.critics)),
        )
        facts = {"step": self.step, "seconds": seconds, "second_part": self.second_part, "config": asdict(config)}
        save_checkpoint(path, Checkpoint({name: one for part in parts for name, one in part.items()}, facts))

    def load(self, path: Path, config: EsrganConfig) -> None:
        found = load_checkpoint(path)
        if found.facts.get("config") != asdict(config):
            raise TrainingError(f"{path} is of a training with other settings; give the same ones, or another folder.")
        try:
            self.generator.load_state_dict(found.part("generator"))
            self.mean.load_state_dict(found.part("mean"))
            self.critic.load_state_dict(found.part("critic"))
            restore_optimiser(self.optimiser, found.part("optimiser"))
            restore_optimiser(self.critics, found.part("critics"))
            refuse_not_numbers(found)
            step, second_part = found.facts.get("step"), found.facts.get("second_part")
            seconds = finite_number(found.facts.get("seconds"))
            if type(step) is not int or min(step, seconds) < 0 or not isinstance(second_part, bool):
                raise ValueError("it does not say how far it is")
        except (RuntimeError, ValueError) as error:
            raise TrainingError(f"the checkpoint {path} is damaged ({error}); give another folder.") from None
        self.step, self.seconds, self.second_part = step, seconds, second_part


def train_generator(
    config: EsrganConfig,
    root: Path,
    out: Path,
    budget: Budget,
    *,
    device: str = "cpu",
    save_every_s: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
    monitor: Monitor = SILENT,
) -> list[Path]:
    """Train a generator, or continue a training in ``out``.

    Parameters
    ----------
    root : the folder of DRIVE, STARE, CHASE_DB1 and HRF, of which the training parts are read.
    out : gets ``checkpoint.safetensors`` and a weights file for each part: ``NAME-l1`` and ``NAME-gan``.
    save_every_s : how often these are written; also at the end of each part.
    say : gets a line about every second.

    Raises
    ------
    TrainingError : there are no photographs, or the folder is of another training. OutputError : it cannot be written.
    Cancelled : by the monitor, after a checkpoint.
    """
    ensure_folder(out)
    begun = budget.started or time.monotonic()
    budget = Budget(budget.minutes, budget.steps, begun)
    place = torch.device(device)
    run = _Run(config, root, out, budget, place, say=say, monitor=monitor)
    return run.run(save_every_s)


class _Run:
    def __init__(
        self,
        config: EsrganConfig,
        root: Path,
        out: Path,
        budget: Budget,
        device: torch.device,
        *,
        say: Callable[[str], None],
        monitor: Monitor,
    ) -> None:
        self._config, self._out, self._budget, self._device = config, out, budget, device
        self._say, self._monitor = say, monitor
        patches = load_patches(root, "training", monitor=monitor)
        self._patches = torch.from_numpy(patches.rgb.transpose(0, 3, 1, 2).copy()).to(device)
        self._weights = _even(patches).to(device)
        self._photographs = patches.photographs
        self._judge = _Judge(load_patches(root, "choosing", monitor=monitor), config, device)
        self._features = VesselFeatures(load_model(FEATURES_OF)).to(device)
        self._state = _State(config, device)
        if (out / CHECKPOINT_FILE).is_file():
            self._state.load(out / CHECKPOINT_FILE, config)
        self._autocast = device.type == "cuda"
        say(
            f"{len(patches.rgb)} patches of {patches.photographs} on {device}, {self._judge.count} for choosing; "
            f"from step {self._state.step}"
        )

    def _seconds(self) -> float:
        return self._state.seconds + time.monotonic() - self._budget.started

    def run(self, save_every_s: float) -> list[Path]:
        state, config = self._state, self._config
        written: list[Path] = []
        last_said = last_saved = time.monotonic()
        losses = torch.zeros(4, device=self._device)
        while (share := self._budget.share(state.step, state.seconds)) < 1:
            if share >= config.first_part and not state.second_part:
                written.append(self._keep())
                state.second_part = True
            self._set_rates(share)
            losses = self._train_step()
            state.step += 1
            now = time.monotonic()
            if now - last_said > 1:
                values = " ".join(f"{value:.4f}" for value in losses.tolist())
                self._say(f"step {state.step} {share:.1%} l1 perceptual adversarial critic {values}")
                self._monitor.step(Progress("Training the generator", round(1000 * share), 1000))
                last_said = now
            if now - last_saved > save_every_s:
                self._keep()
                last_saved = time.monotonic()
        written.append(self._keep())
        return written

    def _set_rates(self, share: float) -> None:
        config, first = self._config, self._config.first_part
        if share < first:
            base, done = config.rate, share / max(first, 1e-9)
        else:
            base, done = config.rate_adversarial, (share - first) / max(1 - first, 1e-9)
        rate = base * (0.1 + 0.9 * (1 + math.cos(math.pi * min(done, 1.0))) / 2)
        rate *= min(1.0, (self._state.step + 1) / 50)
        for optimiser in (self._state.optimiser, self._state.critics):
            for group in optimiser.param_groups:
                group["lr"] = rate

    def _train_step(self) -> Tensor:
        """One step; gives the four losses, which stay on the device."""
        state, config = self._state, self._config
        with torch.no_grad():
            spoiled, sound = self._batch()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            made = state.generator(spoiled)
            made = made.float()
            loss = l1 = functional.l1_loss(made, sound)
            seen = fooled = judged = torch.zeros((), device=self._device)
            if state.second_part:
                seen = self._features(made, sound)
                state.critic.requires_grad_(False)
                fooled = relativistic_loss(state.critic(made), state.critic(sound))
                loss = l1 + config.perceptual * seen + config.adversarial * fooled
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.generator.parameters(), 1.0)
        state.optimiser.step()
        with torch.no_grad():
            decay = min(config.mean_decay, (state.step + 1) / (state.step + 10))
            torch._foreach_lerp_(list(state.mean.parameters()), list(state.generator.parameters()), 1 - decay)
        if state.second_part:
            judged = self._train_critic(sound, made.detach())
        return torch.stack([one.detach().float() for one in (l1, seen, fooled, judged)])

    def _train_critic(self, sound: Tensor, made: Tensor) -> Tensor:
        state = self._state
        state.critic.requires_grad_(True)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast):
            loss = relativistic_loss(state.critic(sound), state.critic(made))
        state.critics.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.critics.step()
        return loss

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Spoiled and sound crops. What is random follows from the seed and the step."""
        config = self._config
        dice = torch.Generator(self._device).manual_seed(config.seed * 1_000_003 + self._state.step)
        plain = np.random.default_rng([config.seed, self._state.step])
        chosen = torch.multinomial(self._weights, config.batch, replacement=True, generator=dice)
        top, left = plain.integers(0, PATCH_PX - config.crop_px + 1, 2).tolist()
        sound = self._patches[chosen][:, :, top : top + config.crop_px, left : left + config.crop_px].float() / 255
        sound = torch.rot90(sound, int(plain.integers(4)), (2, 3))
        sound = (sound.flip(3) if plain.integers(2) else sound).contiguous()
        spoiled = degrade(sound, config.scale, draw_strengths(config.batch, dice), dice)
        return spoiled.contiguous(memory_format=torch.channels_last), sound

    def _keep(self) -> Path:
        """Write checkpoint and weights; the time that this takes counts."""
        state, config = self._state, self._config
        part = "gan" if state.second_part else "l1"
        scores = self._judge.scores(state.mean, self._autocast)
        name = ENHANCERS[config.scale]
        self._say(f"step {state.step} {part} choosing: " + " ".join(f"{key} {value}" for key, value in scores.items()))
        data = ", ".join(f"{count} of {name.upper()}" for name, count in self._photographs.items())
        card = ModelCard(
            name=name,
            architecture="rrdb",
            config=state.shape.model_dump(),
            preprocessing=PLAIN,
            trained_on=f"photographs of training parts ({data}), spoiled by blur, down-sampling, noise and JPEG",
            training={**asdict(config), "part": part, "steps": state.step, "minutes": round(self._seconds() / 60, 2)},
            seeds=(config.seed,),
            scores=({"protocol": "photographs held out for choosing", **scores},),
            notes=(
                "ESRGAN (Wang et al. 2018): RRDB generator, relativistic average discriminator. The perceptual "
                f"features are those of the encoder of {FEATURES_OF}. It makes pictures; it measures nothing."
            ),
            task="enhancement",
        )
        path = save_model(self._out / f"{name}-{part}.safetensors", state.mean, card, half=True)
        state.save(self._out / CHECKPOINT_FILE, self._seconds(), config)
        return path


class _Judge:
    """PSNR on patches that were not learned from, spoiled always in the same way."""

    def __init__(self, patches: Patches, config: EsrganConfig, device: torch.device) -> None:
        chosen = (
            np.linspace(0, len(patches.rgb) - 1, min(_JUDGED.get(device.type, 96), len(patches.rgb)))
            .round()
            .astype(int)
        )
        self.count = len(chosen)
        sound = torch.from_numpy(patches.rgb[chosen].transpose(0, 3, 1, 2).copy()).float() / 255
        dice = torch.Generator().manual_seed(0)
        self._sound = sound.to(device)
        self._spoiled = degrade(sound, config.scale, draw_strengths(self.count, dice), dice).to(device)
        base = self._spoiled
        if config.scale > 1:
            base = functional.interpolate(base, scale_factor=config.scale, mode="bicubic").clamp(0, 1)
        self._before = _psnr(base, self._sound)

    def scores(self, generator: RrdbNet, autocast: bool) -> dict[str, float]:
        generator.eval()
        made = []
        with torch.inference_mode(), torch.autocast(self._sound.device.type, torch.bfloat16, enabled=autocast):
            for part in torch.split(self._spoiled, 16):
                made.append(generator(part.contiguous(memory_format=torch.channels_last)).float().clamp(0, 1))
        generator.train()
        return {
            "psnr_db": round(_psnr(torch.cat(made), self._sound), 3),
            "psnr_before_db": round(self._before, 3),
        }


def _psnr(one: Tensor, other: Tensor) -> float:
    """Mean over the pictures, each with 1 as the largest value."""
    error = (one - other).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return float((-10 * torch.log10(error)).mean())


def _even(patches: Patches) -> Tensor:
    """Chances of the patches by which each data set comes equally often."""
    counts = {name: patches.data_sets.count(name) for name in set(patches.data_sets)}
    return torch.tensor([1.0 / counts[name] for name in patches.data_sets])


def _last(module: _Net) -> _Net:
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
