"""Docks: each listens to the one state, emits requests (``...Requested``), and knows no other dock, no controller."""
