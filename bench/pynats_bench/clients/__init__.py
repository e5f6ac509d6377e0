"""What `pynats bench` runs: connected clients of a kind, the loops that drive them, figures."""
