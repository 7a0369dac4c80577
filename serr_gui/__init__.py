"""The desktop program. It is built on ``core`` and adds nothing to what a photograph becomes."""
