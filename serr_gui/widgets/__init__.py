"""Widgets and drawings that several panels use, and the program's looks."""
