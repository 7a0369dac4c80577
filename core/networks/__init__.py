"""The network architectures, built by name from a configuration."""
