"""Measures of vessels: widths, lengths, tortuosity, fractal dimension, branching and calibres.

Numpy in, frozen boxes out. ``measure_vessels`` makes all of them; the other modules hold one measure each, with its
formula, unit and source. Coordinates are (row, column) in pixels, the middle of the first pixel at (0, 0).
"""
