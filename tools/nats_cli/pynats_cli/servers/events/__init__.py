"""Advisories and metrics of servers and JetStream: which there are, and how they are shown."""
