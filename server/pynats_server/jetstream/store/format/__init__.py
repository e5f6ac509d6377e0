"""nats-server's formats as bytes: index.db, meta.inf, block files, archives, and what they are made
of (varints, HighwayHash, S2, ciphers). Nothing here opens a file.

For the stores; archives also for backups.
"""
