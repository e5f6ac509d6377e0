"""nats-server's formats as bytes: index.db, meta.inf, block files, archives, and what they are made
of (varints, HighwayHash, S2, ciphers). Nothing here touches a file or keeps state.

For the stores; archives also for backups.
"""
