"""Consumers of streams: what each one wants (`config`), and how it gets it.

For the API, accounts and streams.
"""
