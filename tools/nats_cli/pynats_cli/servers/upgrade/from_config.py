"""Facts of a server's configuration file."""

from __future__ import annotations

from collections.abc import Iterator

from pynats_common.config import ConfigError, Node, NodeMap
from pynats_common.config import read_document as read_config

from pynats_cli.errors import CliError
from pynats_cli.servers.upgrade.facts import Grant, Setting, Share, Source

_PERMISSIONS = frozenset(
    {"permissions", "permission", "default_permissions", "default_permission", "authorization"}
)
_PUBLISH, _SUBSCRIBE = ("publish", "pub", "import"), ("subscribe", "sub", "export")
_VERBS = {**dict.fromkeys(_PUBLISH, "publish"), **dict.fromkeys(_SUBSCRIBE, "subscribe")}
_LEAF_DENIES = {
    "deny_imports": "publish", "deny_import": "publish", "deny_exports": "subscribe",
    "deny_export": "subscribe",
}  # fmt: skip
_BLOCKS = {"leaf": "leafnodes", "ws": "websocket"}


def source_of_config(file: str) -> Source:
    """Raises CliError for a file that cannot be read."""
    try:
        document = read_config(file)
    except ConfigError as error:
        raise CliError(str(error)) from None
    source = Source(file)
    _Walk(source).block(document.entries, ())
    return source


class _Walk:
    def __init__(self, source: Source) -> None:
        self._source = source

    def block(self, entries: NodeMap, path: tuple[str, ...]) -> None:
        for word, node in entries.items():
            self._entry(word, node, path)

    def _entry(self, word: str, node: Node, path: tuple[str, ...]) -> None:
        key = _BLOCKS.get(word.lower(), word.lower()) if not path else word.lower()
        here = (*path, key)
        value = node.value
        if not isinstance(value, (dict, list)):
            self._source.settings.append(Setting(str(node.position), ".".join(here), value))
        if key in _PERMISSIONS and isinstance(value, dict):
            self._permissions(value, path)
        if key in _LEAF_DENIES:
            self._grant(node, "a leaf node", _LEAF_DENIES[key], denies=True)
        if key in ("exports", "imports") and path[:1] == ("accounts",):
            self._shares(key[:-1], node, path[1])
        if key in ("mappings", "maps") and isinstance(value, dict):
            for subject, inner in value.items():
                self._share(inner, "mapping", subject)
            return
        if isinstance(value, dict):
            # Names of accounts are free, and may be spelled in capitals.
            self.block(value, (*path, word) if path == ("accounts",) else here)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item.value, dict):
                    self.block(item.value, (*here, _name_in(item.value)))

    def _permissions(self, block: NodeMap, path: tuple[str, ...]) -> None:
        who = " ".join(part for part in path if part) or "permissions"
        for word, node in block.items():
            verb = _VERBS.get(word.lower())
            if verb is None:
                continue
            if not isinstance(node.value, dict):
                self._grant(node, who, verb)
                continue
            for key, inner in node.value.items():
                if key.lower() in ("allow", "deny"):
                    self._grant(inner, who, verb, denies=key.lower() == "deny")

    def _grant(self, node: Node, who: str, verb: str, denies: bool = False) -> None:
        subjects = tuple(subject.split()[0] for subject in _texts(node) if subject.split())
        if subjects:
            place = str(node.position)
            self._source.grants.append(Grant(place, who, verb, subjects, denies))

    def _shares(self, what: str, node: Node, account: str) -> None:
        if not isinstance(node.value, list):
            return
        for item in node.value:
            if not isinstance(item.value, dict):
                continue
            for word, inner in item.value.items():
                if word.lower() in ("stream", "service"):
                    subject = inner
                    if isinstance(inner.value, dict):
                        subject = inner.value.get("subject", inner)
                    self._share(subject, f"{what} of account {account}", str(subject.value))
                elif word.lower() == "to":
                    self._share(inner, f"{what} of account {account}", str(inner.value))

    def _share(self, node: Node, what: str, subject: str) -> None:
        self._source.shares.append(Share(str(node.position), what, subject))


def _texts(node: Node) -> Iterator[str]:
    values = [item.value for item in node.value] if isinstance(node.value, list) else [node.value]
    return (value for value in values if isinstance(value, str))


def _name_in(block: NodeMap) -> str:
    """Whom an item of a list is about."""
    for word, node in block.items():
        if word.lower() in ("user", "username", "nkey", "name") and isinstance(node.value, str):
            return node.value
    return ""
