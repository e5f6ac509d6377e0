"""Accounts: separate subject spaces (later also what they share with each other).

`registry` holds the accounts of one server. The server, monitoring and JetStream look accounts up
in it; it depends only on the options and the data plane.
"""
