"""The shell: it assembles the parts, asks what must be asked, and decides nothing."""
