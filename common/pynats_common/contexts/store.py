"""The contexts of a machine: listed, selected, changed and removed, by several programs at once.

Layout under the configuration folder (`xdg.config_home()`):

    nats/context/<name>.json     one context, mode 0600
    nats/context.txt             name of the selected context
    nats/previous-context.txt    name of the one selected before
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path

from pynats_common.contexts import credrefs
from pynats_common.contexts.context import Context, ContextError, UnknownContextError
from pynats_common.contexts.reading import load_context_file
from pynats_common.files import SECRET_MAX, read_whole
from pynats_common.program import xdg
from pynats_common.program.filelock import LockTimeoutError, hold_lock


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
            text = read_whole(path, SECRET_MAX).decode().rstrip("\r\n")
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
