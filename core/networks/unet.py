"""U-Net (Ronneberger et al. 2015, arXiv 1505.04597), with padded convolutions and batch normalisation.

Width 64 and depth 4 make the published one: 64 to 1024 channels, 23 convolutions. The publication crops its output
instead of padding, has no normalisation, and biases in their place.
"""

from core.networks.blocks import DoubleConv
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import UNetConfig


def make(config: UNetConfig) -> EncoderDecoder:
    """Two convolutions on each level."""
    return EncoderDecoder(config, DoubleConv)
