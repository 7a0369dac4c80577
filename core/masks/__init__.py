"""From a probability map to a vessel mask."""
