"""The flags about TLS. They replace the certificates and ciphers of a `tls` block, all together;
its times, pins and the like stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pynats_common.go.flags import Value

from pynats_server.options import Options, TlsOptions

_FLAGS = ("tls", "tlsverify", "tlscert", "tlskey", "tlscacert")


def apply_tls_flags(options: Options, flags: Mapping[str, Value]) -> None:
    """Sets the `tls` options. Raises ValueError in the real server's words if something is missing
    or a file cannot be used."""
    if flags.get("tls") is False or not any(flags.get(name) for name in _FLAGS):
        return
    if not flags.get("tlscert"):
        raise ValueError("TLS Server certificate must be present and valid")
    if not flags.get("tlskey"):
        raise ValueError("TLS Server private key must be present and valid")
    from pynats_server.tls.plan import plan_of

    authority = flags.get("tlscacert")
    tls = replace(
        options.tls or TlsOptions(),
        cert_file=Path(str(flags["tlscert"])),
        key_file=Path(str(flags["tlskey"])),
        ca_file=Path(str(authority)) if authority else None,
        certs=[],
        verify=bool(flags.get("tlsverify")),
        cipher_suites=[],
        allow_insecure_cipher_suites=False,
        curve_preferences=[],
        min_version="1.2",
        insecure=False,
    )
    plan_of(tls)
    options.tls = tls
    options.places.pop("tls", None)
