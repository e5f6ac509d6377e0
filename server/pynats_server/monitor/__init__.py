"""HTTP monitoring: /varz, /connz, /subsz, /healthz, /metrics and their relatives.

Imported by the server only when a monitoring port is configured. Reads the data plane, never
changes it, and gives way to it between slices of work.
"""

from pynats_server.monitor.listener import MonitorServer

__all__ = ["MonitorServer"]
