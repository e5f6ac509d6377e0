"""`pynats bench compare`: two servers under the same load, in turn."""
