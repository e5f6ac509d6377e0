"""The HTTP side of monitoring: the listener, its connections, what a query asks for, and how many
long answers there are at a time."""
