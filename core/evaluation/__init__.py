"""Comparing masks and probability maps with expert labels."""
