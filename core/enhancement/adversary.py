"""What a generator is trained against: a discriminator, and the losses of ESRGAN (Wang et al. 2018, arXiv 1809.00219).

The perceptual loss compares what a network sees in two pictures. Wang et al. take VGG-19, trained on photographs of
everyday things; here it is the encoder of this program's own vessel network (``serr-unet-general``), which has learned
what is important in a fundus photograph. No downloaded weights are needed.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import TrainingError
from core.models.weights_file import LoadedModel
from core.networks.encoder_decoder import EncoderDecoder

FEATURES_OF: Final = "serr-unet-general"
"""The vessel network whose encoder gives the perceptual features."""

_SLOPE = 0.2
_LEVELS = 3
_CLIP_SD = 3.0


class Discriminator(nn.Module):
    """Four halvings, then a logit for each place: pictures (N, 3, h, w), 0 to 1, to (N, 1, h / 16, w / 16)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(_SLOPE)]
        before = width
        for level in range(4):
            after = width * 2 ** min(level + 1, 3)
            layers += [
                *(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(after)),
                nn.LeakyReLU(_SLOPE),
            ]
            before = after
        layers.append(nn.Conv2d(before, 1, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.layers(pictures * 2 - 1)
        return logits


def relativistic_loss(real: Tensor, made: Tensor) -> Tensor:
    """The relativistic average loss (Jolicoeur-Martineau 2018, arXiv 1807.00734), from logits of both kinds.

    It is least where real pictures look more real than made ones do on average, and the other way round. That is what a
    discriminator wants; a generator calls it with the two exchanged.
    """
    real, made = real.float(), made.float()
    one = functional.binary_cross_entropy_with_logits(real - made.mean(), torch.ones_like(real))
    other = functional.binary_cross_entropy_with_logits(made - real.mean(), torch.zeros_like(made))
    return (one + other) / 2


class VesselFeatures(nn.Module):
    """Distance of two pictures by what the encoder of a vessel network sees in them, on its first three levels.

    The pictures are prepared as the network's recipe says, but without CLAHE, which has no gradient, and on their own
    grid; mean and deviation are those of the sound picture.

    Raises
    ------
    TrainingError : the network is not a U-Net that reads one grey plane.
    """

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        module, recipe = model.module, model.card.preprocessing
        if not isinstance(module, EncoderDecoder) or recipe.colour != "mix":
            raise TrainingError(f"{model.card.name} has no encoder of a grey plane, so it gives no perceptual features")
        self.blocks = nn.ModuleList(list(module.encoder)[:_LEVELS]).eval().requires_grad_(False)
        self._gamma = recipe.gamma
        self.mix: Tensor
        self.register_buffer("mix", torch.tensor(recipe.mix)[None, :, None, None])

    def forward(self, made: Tensor, sound: Tensor) -> Tensor:
        """Mean difference in shares of the mean feature, over the levels; (N, 3, h, w) each, 0 to 1."""
        grey_made, grey_sound = ((one.float() * self.mix).sum(dim=1, keepdim=True) for one in (made, sound))
        mean, spread = grey_sound.mean((2, 3), keepdim=True), grey_sound.std((2, 3), keepdim=True).clamp_min(1e-3)
        x, y = (_ramp((grey - mean) / spread, self._gamma) for grey in (grey_made, grey_sound))
        total = torch.zeros((), device=made.device)
        for level, block in enumerate(self.blocks):
            if level:
                x, y = functional.max_pool2d(x, 2), functional.max_pool2d(y, 2)
            x = block(x)
            with torch.no_grad():
                y = block(y)
            total = total + (x.float() - y.float()).abs().mean() / y.float().abs().mean().clamp_min(1e-6)
        return total / len(self.blocks)


def _ramp(z: Tensor, gamma: float) -> Tensor:
    share = ((z.clamp(-_CLIP_SD, _CLIP_SD) + _CLIP_SD) / (2 * _CLIP_SD)).clamp_min(1e-4)
    return (share ** (1 / gamma) - 0.5) * 4
