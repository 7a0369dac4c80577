"""The three standard streams of a process, of which a shell or a service may have closed any."""

import os
import sys

_MODES = {0: ("stdin", "r", os.O_RDONLY), 1: ("stdout", "w", os.O_WRONLY), 2: ("stderr", "w", os.O_WRONLY)}


def open_streams() -> None:
    """Put the null device in the place of each standard stream that is closed (``>&-``) or missing (windowed programs).

    Python leaves ``sys.stdout`` None then, and the next file that is opened gets the free number: what a library prints
    would be written into it.
    """
    for number, (name, mode, flags) in _MODES.items():  # in this order: the lowest free number is the one that is given
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, flags)
            if null != number:  # where the system counts otherwise
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115
