"""nats-py where commands need more of it than it promises.

Everything that nats-py keeps to itself is touched in this room only (tests/unit/cli/test_natspy.py
has a list of it, and asks a new release for each), so that this is where a change of nats-py shows.
"""
