"""Names and subjects replaced by keyed hashes, so that a backup can be given to others.

A name becomes the first 80 bits of HMAC-SHA256 under a secret, in base32hex; a token of 22
characters, as long as a NUID, stays as long. The key file, which stays at home, has the secret and
what each hash stands for.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pynats_common.archive import CONSUMERS, Entry
from pynats_common.files import read_whole
from pynats_common.go.errno import error_text

from pynats_cli.errors import CliError
from pynats_cli.jetstream.backup.selection import header_pairs

VERSION: Final = 1
_SIZE, _NUID_SIZE = 16, 22
_REMEMBERED: Final = 100_000
_PREFIXES: Final = ("KV_", "OBJ_")  # of streams that are buckets
# Tokens that servers and clients know.
_KEPT: Final = frozenset(("*", ">", "$KV", "$O", "$JS", "$SYS", "$SRV", "$MQTT"))
_OBJECT_KINDS: Final = frozenset(("C", "M"))
# Headers that tell the server or a client what to do.
_KEPT_HEADERS: Final = frozenset(
    ("Nats-Rollup", "Nats-TTL", "Nats-Incr", "KV-Operation", "Nats-Marker-Reason",
     "Nats-Expected-Last-Sequence", "Nats-Expected-Last-Subject-Sequence", "Nats-Batch-Sequence",
     "Nats-Batch-Commit", "Nats-Schedule", "Nats-Schedule-TTL", "Nats-Schedule-Time-Zone",
     "Nats-Schedule-Next")
)  # fmt: skip
_SUBJECT_HEADERS: Final = frozenset(
    ("Nats-Schedule-Target", "Nats-Schedule-Source", "Nats-Scheduler",
     "Nats-Expected-Last-Subject-Sequence-Subject")
)  # fmt: skip
_TOKEN: Final = re.compile(r"(?:\{\{.*?\}\}|[^.])+")
# What tells about people and places, and restores nothing.
_DROPPED: Final = ("description", "metadata", "placement", "template_owner")


@dataclass
class Obfuscator:
    """Replaces names; `known` is what each hash stands for."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    known: dict[str, str] = field(default_factory=dict, repr=False)
    padded: int = 0
    _made: dict[str, str] = field(default_factory=dict, repr=False)

    @staticmethod
    def load(path: Path) -> Obfuscator:
        """That of a key file. Raises CliError."""
        document = read_keys(path)
        try:
            secret = base64.b64decode(document["secret"], validate=True)
        except (KeyError, TypeError, binascii.Error):
            raise CliError(f"{path}: the key file has no secret") from None
        return Obfuscator(secret, dict(document["map"]))

    def as_dict(self) -> dict[str, Any]:
        """The content of the key file."""
        secret = base64.b64encode(self.secret).decode()
        known = dict(sorted(self.known.items()))
        return {"version": VERSION, "secret": secret, "map": known}

    def name(self, text: str) -> str:
        """What stands for a name."""
        if not text or text in self._made:
            return self._made.get(text, text)
        if len(self._made) >= _REMEMBERED:
            self._made.clear()
        digest = hmac.digest(self.secret, text.encode(), "sha256")
        whole = base64.b32hexencode(digest).decode().lower()
        size = _NUID_SIZE if len(text) == _NUID_SIZE and text.isalnum() else _SIZE
        self.known[whole[:size]] = text
        self._made[text] = whole[:size]
        return whole[:size]

    def stream(self, text: str) -> str:
        """What stands for a stream's name; buckets stay buckets."""
        prefix = next((each for each in _PREFIXES if text.startswith(each)), "")
        return prefix + self.name(text.removeprefix(prefix))

    def subject(self, text: str) -> str:
        """What stands for a subject, a filter, or the destination of a transform."""
        tokens = _TOKEN.findall(text)
        is_object = tokens[:1] == ["$O"]
        return ".".join(
            token
            if token in _KEPT or "{{" in token or token.startswith("$")
            or (is_object and index == 2 and token in _OBJECT_KINDS)
            else self.name(token)
            for index, token in enumerate(tokens)
        )  # fmt: skip

    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        """A stream's configuration."""
        made = {key: value for key, value in config.items() if key not in _DROPPED}
        made["name"] = self.stream(config["name"])
        if config.get("subjects"):
            made["subjects"] = [self.subject(each) for each in config["subjects"]]
        if config.get("mirror"):
            made["mirror"] = self._origin(config["mirror"])
        if config.get("sources"):
            made["sources"] = [self._origin(each) for each in config["sources"]]
        for key in ("republish", "subject_transform"):
            if config.get(key):
                made[key] = self._transform(config[key])
        return made

    def _origin(self, origin: dict[str, Any]) -> dict[str, Any]:
        made = {**origin, "name": self.stream(origin["name"])}
        if origin.get("filter_subject"):
            made["filter_subject"] = self.subject(origin["filter_subject"])
        if origin.get("subject_transforms"):
            made["subject_transforms"] = [
                self._transform(each) for each in origin["subject_transforms"]
            ]
        if external := origin.get("external"):
            made["external"] = {
                key: self.subject(value) if value else value for key, value in external.items()
            }
        if consumer := origin.get("consumer"):
            made["consumer"] = {
                key: self.subject(value) if isinstance(value, str) else value
                for key, value in consumer.items()
            }
        return made

    def _transform(self, transform: dict[str, Any]) -> dict[str, Any]:
        made = dict(transform)
        for key in ("src", "dest"):
            if made.get(key):
                made[key] = self.subject(made[key])
        return made

    def consumer(self, entry: Entry, document: dict[str, Any]) -> Entry:
        """A consumer of the archive."""
        config = {k: v for k, v in document["config"].items() if k not in _DROPPED}
        for key in ("name", "durable_name", "deliver_group"):
            if config.get(key):
                config[key] = self.name(config[key])
        for key in ("filter_subject", "deliver_subject"):
            if config.get(key):
                config[key] = self.subject(config[key])
        if config.get("filter_subjects"):
            config["filter_subjects"] = [self.subject(each) for each in config["filter_subjects"]]
        if config.get("priority_groups"):
            config["priority_groups"] = [self.name(each) for each in config["priority_groups"]]
        name = self.name(entry.name.removeprefix(CONSUMERS).decode())
        body = json.dumps({**document, "config": config}, separators=(",", ":")).encode()
        return entry._replace(name=CONSUMERS + name.encode(), payload=body)

    def message(self, entry: Entry, keeps_payload: bool) -> Entry:
        """A message; its data becomes zeros, unless they are a counter's."""
        payload = entry.payload if keeps_payload else b"0" * len(entry.payload)
        self.padded += bool(payload) and not keeps_payload
        return entry._replace(
            name=self.subject(entry.name.decode(errors="replace")).encode(),
            headers=self._headers(entry.headers),
            payload=payload,
        )

    def _headers(self, block: bytes) -> bytes:
        if not block:
            return block
        lines = ["NATS/1.0"]
        for name, value in sorted(header_pairs(block)):
            if name in _SUBJECT_HEADERS:
                value = self.subject(value)
            elif name not in _KEPT_HEADERS:
                value = self.name(value)
            lines.append(f"{name}: {value}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def meaning(self, text: str) -> str:
        """What obfuscated text was; what is not known stays."""
        tokens = []
        for token in text.split("."):
            prefix = next((each for each in _PREFIXES if token.startswith(each)), "")
            bare = token.removeprefix(prefix)
            tokens.append(prefix + self.known[bare] if bare in self.known else token)
        return ".".join(tokens)


def read_keys(path: Path) -> dict[str, Any]:
    """The content of a key file. Raises CliError."""
    try:
        document = json.loads(read_whole(path))
    except OSError as error:
        raise CliError(f"open {path}: {error_text(error)}") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise CliError(f"{path}: not a key file")
    if (version := document.get("version", 0)) != VERSION:
        raise CliError(f"{path}: unsupported key file version {version!s:.20}")
    if not isinstance(document.get("map"), dict):
        raise CliError(f"{path}: the key file has no map")
    return document
