"""A temporary database of SQLite's own: what does not fit into memory is sorted and looked up on the disk.

SQLite keeps what does not fit into its cache in the folder of the system for temporary files, in a file that has no
name and goes with the process. So work that is interrupted leaves nothing of it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import OutputError
from core.files import display_path


def temporary_base(tables: str, cache_kb: int) -> sqlite3.Connection:
    """A new one with these tables; all that follows is one transaction. Raises as ``explained``."""
    with explained():
        base = sqlite3.connect("", isolation_level=None)
        base.executescript(f"PRAGMA cache_size=-{cache_kb};PRAGMA journal_mode=OFF;{tables}BEGIN;")
        return base


@contextmanager
def explained() -> Iterator[None]:
    """What SQLite says of such a database, as a sentence for the user. Raises OutputError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        where = next((os.environ[name] for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name)), "/var/tmp")
        raise OutputError(
            f"The photographs cannot be gathered ({error}): is the folder for temporary files full? That is "
            f"{display_path(where)}, or what the variable SQLITE_TMPDIR names. A batch of a million photographs "
            "takes about 1 GB there."
        ) from error
