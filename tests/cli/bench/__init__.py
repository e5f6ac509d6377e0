"""`pynats bench`."""
