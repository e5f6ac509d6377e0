"""Archives of `audit gather`: what servers answered, in a ZIP file.

    capture/clusters/<cluster>/<server>/<type>/NNNN.json
    capture/accounts/<account>/servers/<cluster>__<server>/<type>/NNNN.json
    capture/profiles/<cluster>/<server>__<profile>.prof

Each JSON file is one answer; a long one has several pages.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynats_cli.documents import object_of
from pynats_cli.errors import CliError

ROOT = "capture"
FILE_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of one file, unpacked: each is an answer, and no message is longer."""

DAMAGED = (
    zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError,
)  # fmt: skip

_OF_SERVERS = {
    "VARZ": "variables", "EXPVARZ": "exp_variables", "CONNZ": "connections", "ROUTEZ": "routes",
    "GATEWAYZ": "gateways", "LEAFZ": "leafs", "SUBSZ": "subs", "JSZ": "jetstream_info",
    "ACCOUNTZ": "accounts", "HEALTHZ": "health",
}  # fmt: skip
_OF_ACCOUNTS = {
    "CONNZ": "account_connections", "LEAFZ": "account_leafs", "SUBSZ": "account_subs",
    "JSZ": "account_jetstream_info", "ACCOUNTZ": "account_info", "RAFTZ": "account_raftz",
    "IPQUEUESZ": "account_ipqueues",
}  # fmt: skip
_ONLY_OF_ACCOUNTS = _OF_ACCOUNTS.keys() - _OF_SERVERS.keys()


class Archive:
    """An open archive. Raises CliError when it is none or is damaged."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise CliError(f"cannot open archive {self.path}: it is a device or a pipe")
        try:
            self._zip = zipfile.ZipFile(self.path)
        except OSError as error:
            raise CliError(f"cannot open archive {self.path}: {error.strerror}") from None
        except DAMAGED as error:
            raise CliError(f"cannot open archive {self.path}: {error}") from None
        self._names = sorted(self._zip.namelist())
        if not any(name.startswith(f"{ROOT}/") for name in self._names):
            self.close()
            raise CliError(f"{self.path} is no archive of audit gather")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()

    def answers(self, kind: str, account: str = "") -> list[dict[str, Any]]:
        """Answers of this kind, by cluster, server and page; of one account where the archive
        keeps them so. RAFTZ and IPQUEUESZ are kept for each account only."""
        if account and kind in _OF_ACCOUNTS:
            where: tuple[str, ...] = ("accounts", account, "servers", "*", _OF_ACCOUNTS[kind])
        elif kind in _ONLY_OF_ACCOUNTS:
            where = ("accounts", "*", "servers", "*", _OF_ACCOUNTS[kind])
        elif kind in _OF_SERVERS:
            where = ("clusters", "*", "*", _OF_SERVERS[kind])
        else:
            raise CliError(f"an archive holds no {kind}")
        documents = [self._json(name) for name in self._matching(where)]
        return self._with_account(documents, account) if account and kind == "JSZ" else documents

    def _with_account(self, documents: list[dict[str, Any]], account: str) -> list[dict[str, Any]]:
        """What JSZ tells of one account, put together as a server would."""
        details = {str(_server(document).get("id")): document["data"] for document in documents}
        found = []
        for document in self.answers("JSZ"):
            server = _server(document)
            place = f"{server.get('cluster') or 'unclustered'}__{server.get('name')}"
            where = ("accounts", account, "streams", "*", "replicas", place, "stream_info")
            streams = [self._json(name) for name in self._matching(where)]
            own = details.get(str(server.get("id")))
            if own is not None:
                document["data"]["account_details"] = [{**own, "stream_detail": streams}]
            found.append(document)
        return found

    def profiles(self) -> list[tuple[str, str, str]]:
        """Server, profile and the path of each profile."""
        found = []
        for name in self._matching(("profiles", "*"), suffix=".prof"):
            server, _, profile = name.rsplit("/", 1)[1].removesuffix(".prof").rpartition("__")
            found.append((server, profile, name))
        return found

    def names(self) -> list[str]:
        """The paths of all files, sorted."""
        return list(self._names)

    def read(self, name: str) -> bytes:
        """A file of the archive."""
        try:
            # What the directory says is the most that is read.
            if self._zip.getinfo(name).file_size > FILE_BYTES_MAX:
                raise CliError(f"{name} in {self.path} has more than {FILE_BYTES_MAX} bytes")
            return self._zip.read(name)
        except (KeyError, OSError, *DAMAGED) as error:
            raise CliError(
                f"cannot read {name} in {self.path}: {error or type(error).__name__}"
            ) from None

    def _json(self, name: str) -> dict[str, Any]:
        return object_of(self.read(name), f"invalid JSON in {name} in {self.path}")

    def _matching(self, folders: tuple[str, ...], suffix: str = ".json") -> Iterator[str]:
        """Names of files right in a folder; "*" is any name."""
        for name in self._names:
            parts = name.split("/")
            if len(parts) != len(folders) + 2 or parts[0] != ROOT or not name.endswith(suffix):
                continue
            if all(
                wanted in ("*", part) for wanted, part in zip(folders, parts[1:-1], strict=True)
            ):
                yield name


def _server(document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("server")
    return found if isinstance(found, dict) else {}
