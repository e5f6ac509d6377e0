"""Where an archive keeps what, and the tags by which its manifest names it.

Archives are exchanged with `nats`: paths, types and tags are its own.
"""

from __future__ import annotations

from pynats_cli.errors import CliError

ROOT = "capture"
UNCLUSTERED = "unclustered"
PAGES_MAX = 9999
MANIFEST = f"{ROOT}/misc/manifest.json"
METADATA = f"{ROOT}/misc/audit_gather_metadata.json"
LOG = f"{ROOT}/misc/audit_gather_log.log"

SERVER_ENDPOINTS = (
    ("VARZ", "variables"), ("EXPVARZ", "exp_variables"), ("CONNZ", "connections"),
    ("ROUTEZ", "routes"), ("GATEWAYZ", "gateways"), ("LEAFZ", "leafs"), ("SUBSZ", "subs"),
    ("JSZ", "jetstream_info"), ("ACCOUNTZ", "accounts"), ("HEALTHZ", "health"),
)  # fmt: skip
ACCOUNT_ENDPOINTS = (
    ("CONNZ", "account_connections"), ("LEAFZ", "account_leafs"), ("SUBSZ", "account_subs"),
    ("ACCOUNTZ", "account_info"), ("JSZ", "account_jetstream_info"),
    ("RAFTZ", "account_raftz"), ("IPQUEUESZ", "account_ipqueues"),
)  # fmt: skip
PROFILES = (
    ("goroutine_1", "goroutine", 1), ("goroutine_2", "goroutine", 2), ("heap", "heap", 0),
    ("allocs", "allocs", 0), ("mutex", "mutex", 0), ("threadcreate", "threadcreate", 0),
    ("block", "block", 0), ("cpu", "cpu", 0),
)  # fmt: skip
"""Name in the archive, name of the profile, its level of detail."""

Tags = tuple[tuple[str, str], ...]


def component(name: str) -> str:
    """A name as one part of a path; the manifest has the name itself.

    Names of accounts and servers may hold what no path may.
    """
    safe = "".join("_" if char in "/\\" or ord(char) < 32 else char for char in name)
    return safe if safe not in ("", ".", "..") else safe.replace(".", "_") or "_"


def page(folder: str, number: int) -> str:
    """The path of a page. Raises CliError when there would be too many."""
    if number > PAGES_MAX:
        raise CliError(f"more than {PAGES_MAX} pages in {folder}")
    return f"{folder}/{number:04d}.json"


def server_folder(cluster: str, server: str, artifact: str) -> tuple[str, Tags]:
    """Where an answer of a server is kept, and its tags."""
    cluster = cluster or UNCLUSTERED
    folder = f"{ROOT}/clusters/{component(cluster)}/{component(server)}/{artifact}"
    return folder, (("server", server), ("artifact_type", artifact), ("cluster", cluster))


def account_folder(account: str, cluster: str, server: str, artifact: str) -> tuple[str, Tags]:
    """Where an answer about an account is kept, and its tags."""
    cluster = cluster or UNCLUSTERED
    where = f"{component(cluster)}__{component(server)}"
    folder = f"{ROOT}/accounts/{component(account)}/servers/{where}/{artifact}"
    return folder, (
        ("account", account), ("server", server), ("cluster", cluster),
        ("artifact_type", artifact),
    )  # fmt: skip


def stream_folder(account: str, stream: str, cluster: str, server: str) -> tuple[str, Tags]:
    """Where a replica of a stream is kept, and its tags."""
    cluster = cluster or UNCLUSTERED
    where = f"{component(cluster)}__{component(server)}"
    streams = f"{ROOT}/accounts/{component(account)}/streams/{component(stream)}"
    return f"{streams}/replicas/{where}/stream_info", (
        ("account", account), ("server", server), ("cluster", cluster), ("stream", stream),
        ("artifact_type", "stream_info"),
    )  # fmt: skip


def profile_path(cluster: str, server: str, name: str) -> tuple[str, Tags]:
    """The path of a profile, and its tags."""
    cluster = cluster or UNCLUSTERED
    path = f"{ROOT}/profiles/{component(cluster)}/{component(server)}__{name}.prof"
    return path, (
        ("server", server), ("artifact_type", "profile"), ("profile_name", name),
        ("cluster", cluster),
    )  # fmt: skip
