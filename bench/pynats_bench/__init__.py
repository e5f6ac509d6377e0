"""Load generator and side-by-side comparison with the reference server.

`load` runs loads against any NATS server (the engine below it is compiled and Linux only: epoll);
`compare` is the table of docs/explanation/performance.md. Nothing in the product may import this
package except `pynats bench`.
"""

from pynats_bench.model import Endpoint, Latency, LoadError, PubSubLoad, RequestLoad, Result

__all__ = ["Endpoint", "Latency", "LoadError", "PubSubLoad", "RequestLoad", "Result"]
