"""Contexts: named connection settings shared with every NATS tool on the machine.

Layout under the configuration folder (`xdg.config_home()`):

    nats/context/<name>.json     one context, mode 0600
    nats/context.txt             name of the selected context
    nats/previous-context.txt    name of the one selected before

The field names and their order are those that `nats` writes, so both tools edit the same files.
Like Go, they are read whatever the case of their letters; the last of several counts, and null is
no value. Fields this version does not know are kept on save.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pynats_common import credrefs, subjects, urls, xdg
from pynats_common.filelock import LockTimeoutError, hold_lock

_PATH_FIELDS = ("creds", "nkey", "cert", "key", "ca")
_EMBEDDABLE_FIELDS = ("creds", "nkey", "user_jwt", "user_seed")
_EXCLUSIVE_FIELDS = ("user", "creds", "nkey", "nsc", "user_jwt")
SECRET_FIELDS = frozenset({"token", "password", "nkey", "user_seed", "user_jwt", "creds", "url"})


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
        own = {key: getattr(self, key) for key in _FIELD_TYPES}
        return json.dumps({**own, **self.unknown}, indent=2, ensure_ascii=False)


_INTERNAL_FIELDS = ("name", "path", "unknown")
_FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    item.name: bool
    if item.name == "tls_first"
    else (list, type(None))
    if item.name == "windows_ca_certs_match"
    else str
    for item in fields(Context)
    if item.name not in _INTERNAL_FIELDS
}


def parse_context(text: str | bytes, name: str = "", path: str = "") -> Context:
    """A context from its JSON text, as stored (nothing expanded). Raises ContextError."""
    where = f'context "{name}"' if name else "context"
    try:
        data = json.loads(text, object_pairs_hook=_Object)
    except ValueError as error:
        raise ContextError(f"{where} is not valid JSON: {error}") from None
    except RecursionError:
        raise ContextError(f"{where} is not valid JSON: nested too deeply") from None
    if not isinstance(data, _Object):
        raise ContextError(f"{where} is not a JSON object")
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for given, value in data.pairs:
        key = _folded(given)
        if key not in _FIELD_TYPES:
            if key != "name":
                unknown[given] = value
            continue
        if value is None:
            continue
        if not isinstance(value, _FIELD_TYPES[key]):
            raise ContextError(f'{where}: field "{key}" has the wrong type')
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise ContextError(f'{where}: field "{key}" is not valid Unicode')
        known[key] = value
    return Context(**known, name=name, path=path, unknown=unknown)


class _Object(dict[str, Any]):
    """A JSON object that remembers the order of its members, equal names included."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _folded(name: str) -> str:
    """The name without the case of its letters, letter by letter, as Go compares names."""
    letters = (letter.casefold() for letter in name)
    return "".join(folded if len(folded) == 1 else "\0" for folded in letters)


def load_context_file(path: Path) -> Context:
    """A context from any file; its name is the file's without `.json`."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ContextError(f"cannot read context {path}: {error.strerror}") from None
    return parse_context(text, name=path.stem, path=str(path))


def check_name(name: str) -> None:
    """Raises ContextError unless the name can be a file name inside the context folder."""
    if not name or ".." in name or any(char in name for char in "/\\\0"):
        raise ContextError(f'invalid context name "{name}"')


class ContextStore:
    """The contexts of one configuration folder (default: the user's)."""

    def __init__(self, root: Path | None = None) -> None:
        self._folder = (root if root is not None else xdg.config_home()) / "nats"
        self._selected = self._folder / "context.txt"
        self._previous = self._folder / "previous-context.txt"
        self._changing = False

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the lock of all contexts: what is read within still holds when it is written.

        Ask people before, not within. Raises ContextError when it cannot be had.
        """
        if self._changing:
            yield
            return
        with ExitStack() as stack:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                stack.enter_context(hold_lock(self._folder / ".context.lock", "a NATS tool"))
            except LockTimeoutError as error:
                raise ContextError(f"the contexts are being changed by {error.holder}") from None
            except OSError as error:
                raise ContextError(f"cannot change {self._folder}: {error.strerror}") from None
            self._changing = True
            stack.callback(setattr, self, "_changing", False)
            yield

    def merge(self, name: str, before: Context, edited: Context) -> Context:
        """Saves what differs between `before` and `edited`; other changes meanwhile stay."""
        with self.changing():
            current = self.load(name)
            changes = {
                item.name: getattr(edited, item.name)
                for item in fields(Context)
                if item.name not in ("name", "path")
                and getattr(edited, item.name) != getattr(before, item.name)
            }
            return self.save(replace(current, **changes), name)

    def path(self, name: str) -> Path:
        """File of a context, existing or not. Raises ContextError for an impossible name."""
        check_name(name)
        return self._folder / "context" / f"{name}.json"

    def names(self) -> list[str]:
        """Names of all contexts, sorted; empty files do not count."""
        folder = self._folder / "context"
        if not folder.is_dir():
            return []
        return sorted(
            path.stem
            for path in folder.iterdir()
            if path.suffix == ".json"
            and ".." not in path.stem
            and path.is_file()  # a link may be broken
            and path.stat().st_size > 0
        )

    def known(self, name: str) -> bool:
        """True when a context has this name."""
        try:
            return self.path(name).is_file()
        except ContextError:
            return False

    def load(self, name: str) -> Context:
        """The named context as stored. Raises UnknownContextError or ContextError."""
        if not self.known(name):
            raise UnknownContextError(f'unknown context "{name}"')
        return replace(load_context_file(self.path(name)), name=name)

    def save(self, context: Context, name: str) -> Context:
        """Writes the context under `name` and returns what was written.

        The old `nsc` field becomes a `creds` reference and its list of servers.
        """
        path = self.path(name)
        if context.nsc:
            context = _without_nsc(context)
        context.validate()
        with self.changing():
            xdg.write_private(path, context.to_json())
        return replace(context, name=name, path=str(path))

    def delete(self, name: str) -> None:
        """Removes a context. The selected one can only be removed if it is the last."""
        with self.changing():
            if name == self.selected():
                if self.names() != [name]:
                    raise ContextError(f'"{name}" is the selected context')
                self.unselect()
            if not self.known(name):
                raise UnknownContextError(f'unknown context "{name}"')
            self.path(name).unlink()

    def selected(self) -> str:
        """Name of the selected context, "" for none."""
        return self._read_name(self._selected)

    def previous(self) -> str:
        """Name of the previously selected context, "" for none."""
        return self._read_name(self._previous)

    def select(self, name: str) -> None:
        """Selects a context. Raises UnknownContextError."""
        with self.changing():
            if not self.known(name):
                raise UnknownContextError(f'unknown context "{name}"')
            self._remember()
            xdg.write_private(self._selected, name)

    def unselect(self) -> str:
        """Selects no context; returns the one that was selected."""
        with self.changing():
            name = self._remember()
            self._selected.unlink(missing_ok=True)
        return name

    def _read_name(self, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ContextError(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ContextError(f"{path} is not valid UTF-8") from None
        # Blanks at the ends belong to the name if there is such a context.
        return text if self.known(text) else text.strip()

    def _remember(self) -> str:
        name = self.selected()
        if name:
            xdg.write_private(self._previous, name)
        return name


def _without_nsc(context: Context) -> Context:
    url = context.url
    if not url and not context.creds:
        url = credrefs.nsc_profile(context.nsc).servers
    path = context.nsc[6:] if credrefs.scheme_of(context.nsc) == "nsc" else context.nsc
    return replace(context, nsc="", url=url, creds=context.creds or f"nsc://{path}")
