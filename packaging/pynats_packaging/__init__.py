"""Builds what PyNATS is installed from: packages, manual pages, completions, releases."""
