"""Sets SERR up in .venv and starts it (``python3 bootstrap.py run``) or runs its tests (``python3 bootstrap.py test``).

This file is only the door. It keeps to what every Python since 2.7 can read, so that an old one gets a sentence and no
syntax error; the work is in ``tools/``, which needs nothing but the standard library of Python 3.11.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWEST_TRIED = (3, 14)


def newer_python():
    """The name of a sufficient Python on the PATH that really starts, or None."""
    for minor in range(NEWEST_TRIED[1], OLDEST[1] - 1, -1):
        name = "python3.%d" % minor
        try:
            with open(os.devnull, "w") as nowhere:
                if subprocess.call([name, "-c", ""], stdout=nowhere, stderr=nowhere) == 0:
                    return name
        except OSError:
            continue
    return None


def too_old(version, executable, better):
    """What to tell somebody who started this with a Python before 3.11."""
    text = "SERR needs Python %d.%d or newer;" % OLDEST
    text += " this is Python %d.%d (%s)." % (version[0], version[1], executable)
    if better:
        return text + " Start it with: %s bootstrap.py run" % better
    if os.name == "nt":
        return text + " Get one from https://www.python.org/downloads/ and start it with: py bootstrap.py run"
    return text + " Install one (python.org, or your system's packages) and start bootstrap.py with it."


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(too_old(sys.version_info, sys.executable, newer_python()))
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from tools.main import main

    sys.exit(main())
