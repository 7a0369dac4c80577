"""What a person's work on photographs consists of, and keeping it: session files and the journal of a running program.

``records`` is the data, ``fields`` its JSON (and how to add a field), ``packing`` its arrays as bytes, ``archive`` the
file ``.serr-session``, ``journal`` the log that survives the program. The formats are in ``docs/formats.md``.
"""
