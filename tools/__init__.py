"""What bootstrap.py does, with nothing but the standard library: it runs before anything is installed."""
