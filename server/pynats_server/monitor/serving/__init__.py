"""The HTTP side of monitoring: the listener, its connections, and how many long answers there are
at a time."""
