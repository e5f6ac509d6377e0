"""What a reload changes of TLS, in the real server's words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pynats_common.go.durations import format_duration_s

from pynats_server.options import Options, TlsOptions


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that only a start can change."""

    go_name: str
    old: object
    new: object


def tls_changes(old: Options, new: Options) -> list[str]:
    """What has changed in the `tls` block of clients."""
    before, after = old.tls or TlsOptions(), new.tls or TlsOptions()
    found = []
    if old.auth_timeout != new.auth_timeout and old.authorization.timeout == 0:
        found.append(f"authorization timeout = {new.auth_timeout:g}")
    if (old.tls is None) != (new.tls is None) or _material(before) != _material(after):
        found.append("tls = enabled" if new.tls is not None else "tls = disabled")
    if before.timeout != after.timeout:
        found.append(f"tls timeout = {after.timeout:g}")
    if before.pinned_certs != after.pinned_certs:
        found.append(f"{len(after.pinned_certs)} pinned_certs")
    if before.handshake_first != after.handshake_first:
        found.append(f"Client TLS handshake first: {str(after.handshake_first).lower()}")
    if before.handshake_first_fallback != after.handshake_first_fallback:
        delay = format_duration_s(after.handshake_first_fallback)
        found.append(f"Client TLS handshake first fallback delay: {delay}")
    if before.watch != after.watch:
        found.append(f"tls watch = {format_duration_s(after.watch)}")
    return found


def fixed_of(old: Options, new: Options) -> Fixed | None:
    """What has changed there, and may not."""
    before, after = old.tls or TlsOptions(), new.tls or TlsOptions()
    for name, go_name in (("verify_and_map", "TLSMap"), ("connection_rate_limit", "TLSRateLimit")):
        values = getattr(before, name), getattr(after, name)
        if values[0] != values[1]:
            return Fixed(go_name, *values)
    return None


def _material(tls: TlsOptions) -> TlsOptions:
    """What contexts are made of."""
    default = TlsOptions()
    return replace(
        tls,
        timeout=default.timeout,
        pinned_certs=[],
        handshake_first=False,
        handshake_first_fallback=0.0,
        connection_rate_limit=0,
        watch=default.watch,
    )
