"""Batches: their panel, and the form of a new one."""
