"""Running a trained network over a photograph."""
