"""From the JSON of a request to typed objects, with the real server's complaints about wrong JSON.

For `api` and `config`. Knows types and texts, no streams.
"""
