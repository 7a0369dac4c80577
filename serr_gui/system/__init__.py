"""The computer around the program: log, crash reports, one running program for each user, other programs."""
