"""Names of cipher suites."""

from __future__ import annotations

_KEYS = {"ECDHE-ECDSA": "ECDHE_ECDSA", "ECDHE-RSA": "ECDHE_RSA", "DHE-RSA": "DHE_RSA"}
_CIPHERS = {
    "AES128-GCM-SHA256": "AES_128_GCM_SHA256",
    "AES256-GCM-SHA384": "AES_256_GCM_SHA384",
    "CHACHA20-POLY1305": "CHACHA20_POLY1305_SHA256",
    "AES128-SHA": "AES_128_CBC_SHA",
    "AES256-SHA": "AES_256_CBC_SHA",
    "AES128-SHA256": "AES_128_CBC_SHA256",
    "AES256-SHA384": "AES_256_CBC_SHA384",
    "DES-CBC3-SHA": "3DES_EDE_CBC_SHA",
    "RC4-SHA": "RC4_128_SHA",
}


def iana_name(openssl: str) -> str:
    """The registered name of a suite, as Go and the real server write it."""
    if openssl.startswith("TLS_"):  # those of TLS 1.3 have only one
        return openssl
    for prefix, key in _KEYS.items():
        if openssl.startswith(prefix + "-"):
            cipher = _CIPHERS.get(openssl.removeprefix(prefix + "-"))
            return f"TLS_{key}_WITH_{cipher}" if cipher else openssl
    cipher = _CIPHERS.get(openssl)
    return f"TLS_RSA_WITH_{cipher}" if cipher else openssl
