"""HTTP monitoring: /varz, /connz, /subsz, /healthz, /metrics and their relatives.

Imported by the server only when a monitoring port is configured. Reads the data plane, never
changes it, and yields to it between slices of work. The endpoints are documented at
docs.nats.io/running-a-nats-service/nats_admin/monitoring.
"""

from pynats_server.monitor.serving.listener import MonitorServer

__all__ = ["MonitorServer"]
