"""The `nats` command line tool in Python. May be called by its console script only."""
