"""A tree of commands told to people and programs: help, Markdown, manual pages, data."""
