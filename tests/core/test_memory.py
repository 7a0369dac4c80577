"""A process that works through photographs of many sizes does not keep what it no longer uses."""

import os
import platform
import subprocess
import sys
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


_KEEPS_A_LITTLE = """
from pathlib import Path
import numpy as np
from core.inference.memory import kept_for, return_freed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

pieces = [np.ones(64 << 10, np.uint8) for _ in range(3200)]
holes = pieces[::50]
del pieces
return_freed(kept_for(600 * 600))  # 190 MB in holes, which glibc counts as free from now on
pieces = [np.ones(64 << 10, np.uint8) for _ in range(800)]  # 50 MB
kept, full = pieces[::50], resident()
del pieces
return_freed(kept_for(600 * 600))
print(full - resident())
return_freed(kept_for(3000 * 2000))
print(full - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc, which alone keeps what is freed")
def test_a_little_is_kept_between_small_photographs() -> None:
    """The next one takes as much: to give it back and take it again costs more than all else of writing a result.

    In a process of its own: in another one, other threads and tests take and give memory.
    """
    ran = subprocess.run([sys.executable, "-c", _KEEPS_A_LITTLE], capture_output=True, text=True, check=True)
    small, large = map(int, ran.stdout.split())
    assert small < 8_000_000, "of 50 MB"
    assert large > 32_000_000


_READS_IN_A_THREAD = """
from pathlib import Path
from threading import Thread
from core import startup
from core.inference.memory import return_freed, share_freed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

startup.own_process()
share_freed()
bytearray(30_000_000)  # from now on glibc gives back no end of less than 60 MB by itself
before = resident()
thread = Thread(target=lambda: [bytearray(100_000) for _ in range(400)])
thread.start()
thread.join()
return_freed()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc, which alone keeps what is freed")
def test_what_a_thread_has_freed_goes_back_too() -> None:
    ran = subprocess.run([sys.executable, "-c", _READS_IN_A_THREAD], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 8_000_000, "of 40 MB"


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
