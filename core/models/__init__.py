"""Trained models: what a weights file says about itself, reading and writing one, and the models there are."""
