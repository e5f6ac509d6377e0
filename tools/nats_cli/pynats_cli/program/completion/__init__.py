"""Completion in shells: what a word of our command line could be."""
