"""Trainings that run in the background, in processes of their own: kept in folders, queued for the devices."""
