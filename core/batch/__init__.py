"""Cohorts: any number of photographs in a manifest, segmented by runs that may be killed at any time."""
