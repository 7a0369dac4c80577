"""The command line: ``serr segment``, ``replay``, ``evaluate``, ``train``, ``dataset``, ``models``, ``info``.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed (one sentence for each failure on stderr),
2 the command was used wrongly, 130 cancelled. Nothing heavy is imported before a command needs it, so that help comes
at once.
"""

import os
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. With None that of ``sys.argv``, as a process that ends with it."""
    # Read by OpenMP when torch loads it: idle threads sleep instead of burning the cores that other programs need.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Read by pydantic, which else looks for plugins in all packages that are installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from core.startup import end_with, importing, own_process

    if arguments is None:
        own_process()
    with importing():
        from core.cli.app import run

    code = run(arguments)
    return end_with(code) if arguments is None else code
