"""A process that works through photographs of many sizes does not keep what it no longer uses."""

import os
import platform
from pathlib import Path

import numpy as np
import pytest

from core.datasets.synthetic import draw_case
from core.inference.memory import CACHED_PRIMITIVES, bound_caches
from core.segment import segment_photo
from tests.small_model import small_model


def resident() -> int:
    """Bytes that the process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc, which alone keeps what is freed")
def test_freed_memory_goes_back_to_the_system_with_each_photograph(tmp_path: Path) -> None:
    model, case = small_model(tmp_path), draw_case(3, 96)
    segment_photo(case.image, model, fov=case.fov)
    # 128 MB in pieces, of which every fiftieth stays: as planes of other sizes leave them behind.
    pieces = [np.ones(64 << 10, np.uint8) for _ in range(2000)]
    kept = pieces[::50]
    full = resident()
    del pieces
    assert resident() > full - (32 << 20), "the C library was to keep what was freed"
    segment_photo(case.image, model, fov=case.fov)
    assert resident() < full - (96 << 20)
    assert len(kept) == 40


def test_convolutions_of_earlier_sizes_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    monkeypatch.setenv(name, "7")  # so that it is undone
    bound_caches()
    assert os.environ[name] == "7", "a person's own value stays"
    monkeypatch.delenv(name)
    bound_caches()
    assert os.environ[name] == str(CACHED_PRIMITIVES)
    monkeypatch.delenv(name)
    monkeypatch.setenv("DNNL_PRIMITIVE_CACHE_CAPACITY", "9")
    bound_caches()
    assert name not in os.environ
