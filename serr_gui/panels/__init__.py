"""Docks: each listens to the one state and emits wishes (``...Requested``), and knows no other, nor the controller."""
