"""A context: its fields, in the order in which `nats` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pynats_common import subjects
from pynats_common.contexts import credrefs
from pynats_common.network import urls

_PATH_FIELDS = ("creds", "nkey", "cert", "key", "ca")
_EMBEDDABLE_FIELDS = ("creds", "nkey", "user_jwt", "user_seed")
_EXCLUSIVE_FIELDS = ("user", "creds", "nkey", "nsc", "user_jwt")


class ContextError(ValueError):
    """A context that is missing, unreadable or contradictory."""


class UnknownContextError(ContextError):
    """No context has this name."""


@dataclass(frozen=True)
class Context:
    """Connection settings; the representation hides every secret.

    `url` is a comma separated list. `creds`, `nkey`, `token`, `password`, `user_jwt` and
    `user_seed` take the references of `credrefs`; `cert`, `key` and `ca` take file paths.
    """

    description: str = ""
    url: str = ""
    socks_proxy: str = ""
    token: str = ""
    user: str = ""
    password: str = ""
    creds: str = ""
    nkey: str = ""
    cert: str = ""
    key: str = ""
    ca: str = ""
    nsc: str = ""
    jetstream_domain: str = ""
    jetstream_api_prefix: str = ""
    jetstream_event_prefix: str = ""
    inbox_prefix: str = ""
    user_jwt: str = ""
    user_seed: str = ""
    color_scheme: str = ""
    tls_first: bool = False
    windows_cert_store: str = ""
    windows_cert_match_by: str = ""
    windows_cert_match: str = ""
    windows_ca_certs_match: list[str] | None = None
    name: str = field(default="", compare=False)
    path: str = field(default="", compare=False)
    unknown: dict[str, Any] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Context(name={self.name!r}, url={urls.redact_url(self.url)!r})"

    @property
    def server_url(self) -> str:
        """The server list, or the default address."""
        return self.url or urls.DEFAULT_URL

    @property
    def inbox_fault(self) -> str:
        """Why no inbox can begin with the prefix, "" when all is well."""
        return subjects.inbox_prefix_error(self.inbox_prefix) if self.inbox_prefix else ""

    def override(self, **changes: Any) -> Context:
        """A copy with every non-empty change applied."""
        return replace(self, **{key: value for key, value in changes.items() if value})

    def expanded(self) -> Context:
        """A copy with `~` and variables in paths expanded and the old `nsc` field resolved."""
        changes: dict[str, Any] = {}
        for key in _PATH_FIELDS:
            value = getattr(self, key)
            if value and credrefs.scheme_of(value) == "":
                changes[key] = credrefs.expand_path(value)
        if self.nsc and not (self.creds and self.url):
            profile = credrefs.nsc_profile(self.nsc)
            changes["creds"] = self.creds or profile.creds_path
            changes["url"] = self.url or profile.servers
        return replace(self, **changes)

    def embedded(self) -> Context:
        """A copy that carries the content of its credential files (`data:;base64,…`)."""
        values: dict[str, Any] = {
            key: credrefs.embed(getattr(self, key)) for key in _EMBEDDABLE_FIELDS
        }
        return replace(self, **values)

    def validate(self) -> None:
        """Raises ContextError when the settings contradict one another."""
        if sum(bool(getattr(self, key)) for key in _EXCLUSIVE_FIELDS) > 1:
            raise ContextError(
                "too many types of credentials, choose only one of user, creds, nkey, nsc, user_jwt"
            )
        if self.inbox_fault:
            raise ContextError(f"inbox prefix {self.inbox_prefix!r}: {self.inbox_fault}")

    def to_json(self) -> str:
        """The file's text: all fields, also empty ones, two spaces of indentation."""
        own = {key: getattr(self, key) for key in FIELD_TYPES}
        return json.dumps({**own, **self.unknown}, indent=2, ensure_ascii=False)


_INTERNAL_FIELDS = ("name", "path", "unknown")
FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    item.name: bool
    if item.name == "tls_first"
    else (list, type(None))
    if item.name == "windows_ca_certs_match"
    else str
    for item in fields(Context)
    if item.name not in _INTERNAL_FIELDS
}
