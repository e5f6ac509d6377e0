"""HTTP monitoring: /varz, /connz, /subsz, /healthz, /metrics and their relatives.

The server loads `serving` only when a monitoring port is configured. What makes the documents is
loaded with the first that somebody wants, over HTTP or in the system account (`system`), in a
thread: it takes a while. It reads the data plane, never changes it, and yields to it between slices
of work. The endpoints are documented at docs.nats.io/running-a-nats-service/nats_admin/monitoring.
"""
