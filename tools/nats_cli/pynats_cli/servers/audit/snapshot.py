"""What an archive says, as the checks read it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pynats_common.go.times import parse_instant_ns

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError
from pynats_cli.servers.audit import layout
from pynats_cli.servers.system.archive import Archive


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server said: of itself, or of an account."""

    server: str
    cluster: str
    data: dict[str, Any]
    account: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A stream as one server has it."""

    account: str
    stream: str
    server: str
    cluster: str
    info: dict[str, Any]

    @property
    def is_leader(self) -> bool:
        """True for a stream's leader, and for a stream without replicas."""
        leader = (self.info.get("cluster") or {}).get("leader", "")
        return leader in ("", self.server)


class Snapshot:
    """A view of an open archive; each kind is read once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._tags = self._manifest()
        self.metadata = self._about()
        self.complete = bool(self.metadata)
        known = any("server" in tags for tags in self._tags.values())
        if not known and not archive.answers("VARZ"):
            raise CliError(f"{archive.path} holds no answers of servers")

    def _manifest(self) -> dict[str, dict[str, str]]:
        try:
            document = json.loads(self._archive.read(layout.MANIFEST))
            return {
                path: {tag["Name"]: tag["Value"] for tag in tags} for path, tags in document.items()
            }
        except (CliError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}  # an unfinished archive; paths say the same

    def _about(self) -> dict[str, Any]:
        try:
            document = json.loads(self._archive.read(layout.METADATA))
        except (CliError, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def captured_ns(self) -> int:
        """When it was gathered; 0 = unknown."""
        try:
            return parse_instant_ns(str(self.metadata["capture_timestamp"]))
        except (KeyError, ValueError):
            return 0

    @cached_property
    def varz(self) -> list[Seen]:
        return self._of_servers("VARZ")

    @cached_property
    def healthz(self) -> list[Seen]:
        return self._of_servers("HEALTHZ")

    @cached_property
    def jsz(self) -> list[Seen]:
        return self._of_servers("JSZ")

    @cached_property
    def gatewayz(self) -> list[Seen]:
        return self._of_servers("GATEWAYZ")

    @cached_property
    def leafz(self) -> list[Seen]:
        return self._of_servers("LEAFZ")

    def _of_servers(self, kind: str) -> list[Seen]:
        found = []
        for document in self._archive.answers(kind):
            server = document.get("server") or {}
            cluster = server.get("cluster") or layout.UNCLUSTERED
            data = document.get("data")
            if isinstance(data, dict):
                found.append(Seen(str(server.get("name", "")), str(cluster), data))
        return found

    @cached_property
    def clusters(self) -> list[str]:
        """Names of clusters, sorted."""
        found = {tags["cluster"] for tags in self._tags.values() if "cluster" in tags}
        return sorted(found or {seen.cluster for seen in self.varz})

    @cached_property
    def accounts(self) -> list[Seen]:
        """What each server knows of each account."""
        found = []
        for path, tags in self._files("accounts", "servers", "account_info"):
            document = self._json(path)
            data = document.get("data")
            if isinstance(data, dict):
                found.append(Seen(tags["server"], tags["cluster"], data, tags["account"]))
        return found

    @cached_property
    def streams(self) -> list[Replica]:
        """All replicas of all streams, by account and name."""
        found = []
        for path, tags in self._files("accounts", "streams", "stream_info"):
            info = self._json(path)
            found.append(
                Replica(tags["account"], tags["stream"], tags["server"], tags["cluster"], info)
            )
        found.sort(key=lambda each: (each.account, each.stream, each.cluster, each.server))
        return found

    @property
    def lacks_streams(self) -> bool:
        """Whether there were streams that were not gathered."""
        return not self.streams and any(int(each.data.get("streams") or 0) for each in self.jsz)

    def by_stream(self) -> Iterator[list[Replica]]:
        """The replicas of each stream."""
        groups: dict[tuple[str, str], list[Replica]] = defaultdict(list)
        for replica in self.streams:
            groups[replica.account, replica.stream].append(replica)
        yield from groups.values()

    def _files(self, root: str, kind: str, artifact: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Paths of an artifact with its tags, from the manifest or else from the path."""
        for path in self._archive.names():
            parts = path.split("/")
            if len(parts) < 7 or parts[1] != root or parts[3] != kind or parts[-2] != artifact:
                continue
            yield path, self._tags.get(path) or _tags_of(parts)

    def _json(self, path: str) -> dict[str, Any]:
        return object_of(self._archive.read(path), f"invalid JSON in {path}")


def _tags_of(parts: list[str]) -> dict[str, str]:
    cluster, _, server = parts[-3].partition("__")
    tags = {"account": parts[2], "cluster": cluster, "server": server}
    if parts[3] == "streams":
        tags["stream"] = parts[4]
    return tags
