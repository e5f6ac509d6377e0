"""What a server tells of itself: /varz, /connz, /subsz, /healthz, /metrics and their relatives, a
module for each.

Asked over HTTP (`serving`, where a monitoring port is configured) and in the system account, where
`system.services` answers with the same functions. Loaded with the first document that somebody
wants, in a thread: it takes a while. Reads the server through `source`, never changes it, and
yields to the data plane between slices of work. The endpoints are documented at
docs.nats.io/running-a-nats-service/nats_admin/monitoring.
"""
