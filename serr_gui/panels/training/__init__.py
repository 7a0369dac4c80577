"""Trainings: their panel, the form of a new one, and the comparison of two models."""
