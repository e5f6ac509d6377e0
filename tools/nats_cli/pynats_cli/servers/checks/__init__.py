"""Health checks of connections, servers, streams, consumers, buckets and credentials.

A check takes data (or what can fetch it) and thresholds and fills a `Result`. Nothing here prints:
the command line renders results, the exporter serves them, the audit reads them.
"""
