"""Checks of clusters: likeness of their servers, gateways, leaf nodes, the meta group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from pynats_common.sizes import format_size

from pynats_cli.servers.audit.checks.servers import NO_JSZ, NO_VARZ
from pynats_cli.servers.audit.outcome import Finding, Outcome, Settings, skipped
from pynats_cli.servers.audit.snapshot import Seen, Snapshot


def _by_cluster(all: Iterable[Seen]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = defaultdict(list)
    for seen in all:
        found[seen.cluster].append(seen)
    return dict(sorted(found.items()))


def memory(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.varz:
        return skipped(NO_VARZ)
    found = Finding()
    for cluster, servers in _by_cluster(snapshot.varz).items():
        average = sum(int(seen.data.get("mem") or 0) for seen in servers) / len(servers)
        for seen in servers:
            used = int(seen.data.get("mem") or 0)
            if used > average * settings["memory"]:
                found.add(
                    f"Cluster {cluster} avg: {format_size(int(average))}, "
                    f"server {seen.server}: {format_size(used)}",
                    Outcome.WARN,
                )
    return found


def gateways(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.gatewayz:
        return skipped("the archive holds no GATEWAYZ")
    found = Finding()
    for cluster, servers in _by_cluster(snapshot.gatewayz).items():
        for direction in ("outbound", "inbound"):
            for before, seen in pairwise(servers):
                names, others = _gateways(seen, direction), _gateways(before, direction)
                if names != others:
                    found.add(
                        f"Cluster {cluster}, {direction} gateways server {seen.server}: "
                        f"[{' '.join(names)}] != server {before.server}: [{' '.join(others)}]",
                        Outcome.FAIL,
                    )
    return found


def _gateways(seen: Seen, direction: str) -> list[str]:
    """Names of the configured gateways. Inbound ones count if anyone is connected."""
    return sorted(seen.data.get(f"{direction}_gateways") or {})


def assets(snapshot: Snapshot, settings: Settings) -> Finding:
    if not snapshot.jsz:
        return skipped(NO_JSZ)
    found = Finding()
    for seen in snapshot.jsz:
        count = int(seen.data.get("ha_assets") or 0)
        if count > settings["assets"]:
            found.add(f"{seen.server}: {count} HA assets", Outcome.WARN)
    return found


def names(snapshot: Snapshot, _: Settings) -> Finding:
    found = Finding()
    for cluster in snapshot.clusters:
        if any(char.isspace() for char in cluster):
            found.add(f"Cluster: {cluster}", Outcome.FAIL)
    return found


def leaf_names(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.leafz:
        return skipped("the archive holds no LEAFZ")
    found = Finding()
    for cluster, servers in _by_cluster(snapshot.leafz).items():
        bad = sorted({
            str(leaf.get("name", ""))
            for seen in servers
            for leaf in seen.data.get("leafs") or []
            if any(char.isspace() for char in str(leaf.get("name", "")))
        })  # fmt: skip
        if bad:
            found.add(f"Cluster {cluster}: [{' '.join(bad)}]", Outcome.FAIL)
    return found


def meta_online(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.jsz:
        return skipped(NO_JSZ)
    found = Finding()
    for seen in snapshot.jsz:
        for peer in (seen.data.get("meta_cluster") or {}).get("replicas") or []:
            if peer.get("offline"):
                found.add(
                    f"{seen.cluster} - {seen.server} reports peer {peer.get('name')} as offline",
                    Outcome.FAIL,
                )
    return found


def meta_leader(snapshot: Snapshot, _: Settings) -> Finding:
    if not snapshot.jsz:
        return skipped(NO_JSZ)
    found = Finding()
    for cluster, servers in _by_cluster(snapshot.jsz).items():
        leaders: dict[str, list[str]] = defaultdict(list)
        for seen in servers:
            meta = seen.data.get("meta_cluster")
            if isinstance(meta, dict):
                leaders[str(meta.get("leader") or "")].append(seen.server)
        if len(leaders) > 1:
            views = " ".join(
                f"{leader}:[{' '.join(sorted(those))}]" for leader, those in sorted(leaders.items())
            )
            found.add(f"Members of {cluster} disagree on meta leader (map[{views}])", Outcome.FAIL)
        elif list(leaders) == [""]:
            found.add(f"Members of {cluster} know no meta leader", Outcome.FAIL)
    return found
