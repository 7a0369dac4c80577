"""What compares with experts: labels, scores, errors, curves, and the table of all photographs."""
