"""Audits: gathering what servers say into an archive, and judging such an archive later.

`gathering` asks and `writing` keeps, `snapshot` reads, `checks` judge, `analysis` sums up. Nothing
here prints; the commands show.
"""
