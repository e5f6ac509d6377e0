"""The walkthroughs of the original documentation, line by line."""
