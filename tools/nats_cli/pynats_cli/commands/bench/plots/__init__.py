"""Plots of a run over time: at the terminal, and as files."""
