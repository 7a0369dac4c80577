"""The command line as it is built: child processes begin here, too."""

import sys
from multiprocessing import freeze_support

if __name__ == "__main__":
    freeze_support()
    from core.cli import main

    sys.exit(main())
