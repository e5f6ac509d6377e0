"""`/metrics` for Prometheus: `server` collects every family, `jetstream` those of streams.

Imported in a thread with the first request, because the client library is slow to import.
"""
