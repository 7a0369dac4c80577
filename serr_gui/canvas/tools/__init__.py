"""Tools that work on the photograph with the mouse, one file each."""
