"""Checks of single servers: health, version, load, limits, security."""

from __future__ import annotations

from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.times import parse_instant_ns
from pynats_common.sizes import format_size

from pynats_cli.servers.audit.layout import UNCLUSTERED
from pynats_cli.servers.audit.outcome import Finding, Outcome, Settings, skipped
from pynats_cli.servers.audit.snapshot import Seen, Snapshot
from pynats_cli.servers.checks.result import go_time

NO_VARZ = "the archive holds no VARZ"
NO_JSZ = "the archive holds no JSZ"
DAY_NS = 86_400 * SECOND_NS
_OK = 200


def health(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.healthz:
        return skipped("the archive holds no HEALTHZ")
    found = Finding()
    for seen in snapshot.healthz:
        code = int(seen.data.get("status_code") or _OK)
        if seen.data.get("status") != "ok" or code != _OK:
            found.add(f"{seen.server}: {code} - {seen.data.get('status')}", Outcome.WARN)
    bad, all = len(found.examples), len(snapshot.healthz)
    found.note(
        f"{bad}/{all} servers are not healthy" if bad else f"{all}/{all} servers are healthy"
    )
    return found


def versions(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    servers: dict[str, str] = {}  # one server as an example of each version
    for seen in snapshot.varz:
        servers.setdefault(str(seen.data.get("version", "")), seen.server)
    found = Finding()
    if len(servers) > 1:
        for version, server in servers.items():
            found.add(f"{server} - {version}", Outcome.FAIL)
        found.note(f"Servers are running {len(servers)} different versions")
    else:
        found.note(f"All servers are running version {next(iter(servers))}")
    return found


def processors(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    found = Finding()
    for seen in snapshot.varz:
        cores = int(seen.data.get("cores") or 0)
        if not cores:
            found.note(f"{seen.server} reports zero cores, skipping CPU check")
            continue
        per_core = float(seen.data.get("cpu") or 0) / cores
        if per_core > settings["cpu"]:
            found.add(f"{seen.cluster} - {seen.server}: {per_core:.1f}%", Outcome.FAIL)
    if found.examples:
        found.note(f"Found {len(found.examples)} servers with >{settings['cpu']:g}% CPU usage")
    return found


def slow_consumers(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    found = Finding()
    for seen in snapshot.varz:
        slow = int(seen.data.get("slow_consumers") or 0)
        if slow:
            found.add(f"{seen.cluster}/{seen.server}: {slow} slow consumers", Outcome.WARN)
    found.note(
        f"Found {len(found.examples)} servers with slow consumers"
        if found.examples
        else "No slow consumers detected"
    )
    return found


def resources(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.jsz:
        return skipped(NO_JSZ)
    found = Finding()
    for seen in snapshot.jsz:
        config = seen.data.get("config") or {}
        for what, used, most in (
            ("memory", seen.data.get("memory"), config.get("max_memory")),
            ("store", seen.data.get("storage"), config.get("max_storage")),
        ):
            used, most = int(used or 0), int(most or 0)
            if most > 0 and used > most * settings[what] / 100:
                found.add(
                    f"{seen.server} {what} usage: {format_size(used)} of {format_size(most)}",
                    Outcome.WARN,
                )
    if found.examples:
        found.note(
            f"Found {len(found.examples)} instances of servers approaching reserved usage limit"
        )
    return found


def domains(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.jsz:
        return skipped(NO_JSZ)
    found = Finding()
    for seen in snapshot.jsz:
        domain = str((seen.data.get("config") or {}).get("domain") or "")
        if any(char.isspace() for char in domain):
            found.add(f"Cluster {seen.cluster} Server {seen.server} Domain {domain}", Outcome.WARN)
    return found


def authentication(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    found = Finding()
    for seen in snapshot.varz:
        if not seen.data.get("auth_required"):
            found.add(f"{seen.server}: authentication not required", Outcome.WARN)
    all = len(snapshot.varz)
    bad = len(found.examples)
    found.note(
        f"{bad}/{all} servers do not require authentication"
        if bad
        else f"{all}/{all} servers require authentication"
    )
    return found


def certificates(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    found = Finding()
    seen_any = False
    for seen in snapshot.varz:
        now_ns = parse_instant_ns(str(seen.data["now"])) if seen.data.get("now") else 0
        for listener, until in _ends(seen):
            seen_any = True
            _judge_end(seen, listener, until, parse_instant_ns(until) - now_ns, settings, found)
    if not seen_any:
        return Finding(Outcome.SKIP)
    return found


def _ends(seen: Seen) -> list[tuple[str, str]]:
    """Listeners with a certificate, and its end."""
    found = []
    for name, part in (
        ("server", seen.data), ("cluster", seen.data.get("cluster")),
        ("gateway", seen.data.get("gateway")), ("leafnode", seen.data.get("leaf")),
        ("mqtt", seen.data.get("mqtt")), ("websocket", seen.data.get("websocket")),
    ):  # fmt: skip
        until = (part or {}).get("tls_cert_not_after")
        if until and not until.startswith("0001-"):
            found.append((name, until))
    return found


def _judge_end(
    seen: Seen, listener: str, until: str, left_ns: int, settings: Settings, found: Finding
) -> None:
    cluster = seen.cluster or UNCLUSTERED
    what = f"{cluster}/{seen.server} {listener} TLS certificate"
    if left_ns <= 0:
        found.add(f"{what} expired (expired_at={go_time(until)})", Outcome.FAIL)
        return
    left = format_duration_ns(left_ns // SECOND_NS * SECOND_NS)
    text = f"{what} expires in {left} (expires_at={go_time(until)})"
    if left_ns <= settings["tls_expire_critical"] * DAY_NS:
        found.add(text, Outcome.FAIL)
    elif left_ns <= settings["tls_expire_warning"] * DAY_NS:
        found.add(text, Outcome.WARN)


def account_limits(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.accounts:
        return skipped("the archive holds no account information")
    found = Finding()
    for seen in snapshot.accounts:
        claims = (seen.data.get("decoded_jwt") or {}).get("nats") or {}
        limits = claims.get("limits") or {}
        for what, key, used in (
            ("connections", "conn", seen.data.get("client_connections")),
            ("subscriptions", "subs", seen.data.get("subscriptions")),
        ):
            used, most = int(used or 0), int(limits.get(key) or 0)
            if most > 0 and used > most * settings[what] / 100:
                found.add(
                    f"account {seen.account} (on {seen.server}) using {100 * used / most:.1f}% "
                    f"of {what} limit ({used}/{most})",
                    Outcome.WARN,
                )
    if found.examples:
        found.note(f"Found {len(found.examples)} instances of accounts approaching limits")
    return found
