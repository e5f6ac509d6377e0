"""Builds what is shipped: Debian packages, man pages, completions. It is not installed itself."""
