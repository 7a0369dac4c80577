"""Keeping a process small while it works through photographs of many sizes.

Two things grow otherwise, measured in docs/benchmarks/memory.md. glibc keeps freed memory for itself: the planes of a
network differ in size with each photograph, so the free pieces never fit and new ones are taken from the system. And
oneDNN keeps the code that it made for each shape of a convolution, up to 1024 of them.
"""

import ctypes
import os
import sys
from contextlib import suppress
from functools import cache
from typing import Any

from core.startup import is_own_process

CACHED_PRIMITIVES = 128
"""How many convolutions oneDNN keeps ready: those of one photograph and its tiles, not of all sizes that ever came."""

_M_ARENA_MAX = -8  # malloc.h
_CAPACITY = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def bound_caches() -> None:
    """Limit what oneDNN keeps. Counts before the first convolution of the process; a value that a person set stays."""
    if not any(name in os.environ for name in (_CAPACITY, _CAPACITY.replace("ONEDNN", "DNNL"))):
        os.environ[_CAPACITY] = str(CACHED_PRIMITIVES)


def share_freed() -> None:
    """Let all threads take memory from one pool, where the process is the program's own; before it starts threads.

    glibc gives each thread a pool, whose end it does not give back: after a photograph of 8 megapixels was read, 40 MB
    stayed with the thread that reads.
    """
    if is_own_process() and sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # musl has one pool
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def return_freed() -> None:
    """Give freed memory back to the system, where its C library can be asked to (glibc)."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    except OSError:
        return None
