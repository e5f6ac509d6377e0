"""When messages run out, and where their times are not in order; parts of a store (`retention`)."""
