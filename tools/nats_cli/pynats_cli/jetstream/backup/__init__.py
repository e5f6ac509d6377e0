"""Backups of streams: their folders, taking and restoring them, reading and editing archives.

For the commands of `pynats backup`, `stream backup` and `account backup`.
"""
