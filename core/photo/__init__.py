"""From a file to a photograph the network can read."""
