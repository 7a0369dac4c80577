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

_KEPT_BYTES, _SMALL_PX = 96 << 20, 1 << 21
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


def return_freed(kept_bytes: int = 0) -> None:
    """Give freed memory back to the system, where its C library can be asked to (glibc).

    Parameters
    ----------
    kept_bytes : up to so much is kept: the system would have to make it empty again for the next photograph, which took
        an eighth of the processor's time of one with 565 x 584 pixels.
    """
    trim, told = _of_glibc("malloc_trim"), _of_glibc("mallinfo2")
    if trim is None:
        return
    if kept_bytes and told is not None:  # since glibc 2.33
        told.restype = _MallInfo
        if told().fordblks <= kept_bytes:
            return
    trim(0)


def kept_for(pixels: int) -> int:
    """How many freed bytes may be kept while photographs of this size are worked on."""
    return _KEPT_BYTES if pixels <= _SMALL_PX else 0


class _MallInfo(ctypes.Structure):
    """What ``mallinfo2`` (malloc.h) gives; ``fordblks`` is what is free and not given back."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


@cache
def _of_glibc(name: str) -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name, None)  # musl has none
    except OSError:
        return None
