"""How the API is called in a JetStream domain: every account of its servers understands
`$JS.<domain>.API.…`. To users it is a set of subject mappings, as in the real server."""

from __future__ import annotations

from typing import Final

API: Final = "$JS.API."
STORES: Final = ("$KV.>", "$OBJ.>")
"""Where clients that use a domain publish what goes into buckets."""
GROUPS: Final = ("ACCOUNT.>", "CONSUMER.>", "DIRECT.>", "INFO", "META.>", "SERVER.>", "STREAM.>")


def domain_mappings(domain: str, is_system: bool = False) -> dict[str, str]:
    """What is published to the first subjects of an account goes to the second ones; nothing
    without a domain."""
    if not domain:
        return {}
    prefix = f"$JS.{domain}.API."
    if is_system:
        return {f"{prefix}>": f"{API}>"}
    stores = {f"{prefix}{each}": each for each in STORES}
    return stores | {f"{prefix}{each}": f"{API}{each}" for each in GROUPS}
