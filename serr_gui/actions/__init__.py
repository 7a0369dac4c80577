"""The table of commands: one line for each, wherever it appears; a file for each menu, and ``table`` for all."""
