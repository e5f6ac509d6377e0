"""Waiting for what comes: whether to sleep until then. Called by the engine."""
