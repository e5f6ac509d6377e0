"""Services that follow the micro protocol: who is there, what they say of themselves, and one of
our own for demonstrations."""
