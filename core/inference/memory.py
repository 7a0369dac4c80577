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
from pathlib import Path
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
    kept_bytes : nothing is given back while the process has grown by no more than so much since this gave something
        back: the system would have to make it empty again for the next photograph, which took an eighth of the
        processor's time of one with 565 x 584 pixels. glibc's own count of what is free has holes in it that it has
        given back already.
    """
    trim = _malloc_trim()
    if trim is None or (kept_bytes and _resident_bytes() <= _base.bytes + kept_bytes):
        return
    trim(0)
    now = _resident_bytes()
    _base.bytes = now if kept_bytes else min(now, _base.bytes)  # large work that still runs does not raise it


def kept_for(pixels: int) -> int:
    """How many freed bytes may be kept while photographs of this size are worked on."""
    return _KEPT_BYTES if pixels <= _SMALL_PX else 0


class _Base:
    """What the process has in memory when all that is freed was given back."""

    bytes = 0


_base = _Base()


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return sys.maxsize


@cache
def _malloc_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    except OSError:
        return None
