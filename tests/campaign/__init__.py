"""Damaged files, kills and disks that fail, by the thousand: ``python -m tests.campaign --seed N --tries N``."""
