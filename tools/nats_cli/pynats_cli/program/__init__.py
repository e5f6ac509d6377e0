"""The program itself: what it says of itself, completion for shells, plugins."""
