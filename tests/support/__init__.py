"""Helpers shared by the test suites: server processes, raw clients, scripts, normalisation.

Imported by tests only. Nothing here knows how the broker is built; everything goes through a
process and a socket, so the same helper drives pynats-server and the reference nats-server.
"""
