def relay(source: int, sink: int) -> int:
    """Move bytes between two socket descriptors until `source` ends; returns how many."""
