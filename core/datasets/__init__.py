"""The published data sets and their protocols."""
