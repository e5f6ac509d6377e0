"""One module per block of a configuration: the table of its keys, and what reads its values.

Only `settings.top_level` (and blocks that contain others) use them; what connects keys of several
blocks is `settings.validation`'s.
"""
