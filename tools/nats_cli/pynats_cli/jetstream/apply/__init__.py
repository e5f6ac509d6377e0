"""Streams, consumers and buckets as a file declares them, and how a server comes to have them.

`document` reads the file, `fields` says what it may hold, `present` what is there, `plan` compares
the two, `acting` makes the changes, `export` writes the file from what is there.
"""
