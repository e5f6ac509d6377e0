"""Object buckets: their streams, objects in chunks, reading and writing them, screens.

For the commands of `pynats object`.
"""
