"""Helpers shared by the test suites: server processes, raw clients, scripts, normalisation.

Only tests import it. Server helpers work through a process and a socket, so they drive
pynats-server and the reference nats-server alike.
"""
