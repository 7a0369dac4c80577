"""Runs first in the built program.

Other programs that it starts (a browser, a file manager) get their own libraries. The start of the program has put its
folder into the path of the dynamic linker. The linker has read it by now; a program of the system that inherited it
would load libraries of ours, and fail.
"""

import os
import sys
import warnings

# Torch is built in without its sources, and warns that it cannot compile some functions, which nobody asks it to.
warnings.filterwarnings("ignore", message="Unable to retrieve source for @torch.jit._overload", category=UserWarning)

if sys.platform.startswith("linux"):
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is None:
        os.environ.pop("LD_LIBRARY_PATH", None)
    else:
        os.environ["LD_LIBRARY_PATH"] = before
