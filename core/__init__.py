"""Retinal vessel segmentation with a SERR-U-Net: the library under the desktop program and the command line."""

__version__ = "0.1.0"
