"""Accounts: subject spaces of their own, and (to come) what they share with each other.

`registry` holds the accounts of one server. The server, monitoring and JetStream look accounts up
in it; it knows nobody but the options and the data plane.
"""
