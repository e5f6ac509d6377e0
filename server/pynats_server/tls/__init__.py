"""TLS: what it is made of (`engine`), and what the configuration says of it.

Imported only when a configuration has TLS.
"""
