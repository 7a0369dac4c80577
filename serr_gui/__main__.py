"""The entry point: what must happen before anything else is imported."""

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Start the desktop program."""
    from multiprocessing import freeze_support

    from core.streams import open_streams

    open_streams()  # a windowed program has none
    freeze_support()  # in a frozen program a child process starts here again
    # Torch's threads sleep between two steps instead of spinning, so that the window on the same cores stays alive. The
    # library that reads this does so once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.platform == "win32":
        # With torch >= 2.9 its DLLs do not load after Qt's (pytorch#169429). Elsewhere the window comes first.
        import torch  # noqa: F401
    try:
        from serr_gui.app import main as run
    except ImportError:
        from serr_gui.system.screen import missing_libraries, tell

        sentence = missing_libraries(os.environ)
        if sentence is None:
            raise
        tell(sentence, os.environ)
        return 1
    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
