"""What the program remembers, as plain data with events, and pure functions from it to what is shown. No Qt."""
