"""The `nats` command line tool in Python. Only its console script may import it."""
