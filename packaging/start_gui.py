"""The desktop program as it is built: child processes begin here, too."""

import sys
from multiprocessing import freeze_support

if __name__ == "__main__":
    freeze_support()
    from serr_gui.__main__ import main

    sys.exit(main())
