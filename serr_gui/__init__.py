"""The desktop program. It stands on ``core`` and adds nothing to what a photograph becomes."""
