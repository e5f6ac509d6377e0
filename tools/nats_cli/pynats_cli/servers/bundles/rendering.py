"""Turns a bundle's templates into files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.servers.bundles.bundle import Bundle, local_path
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.language import render

_PARTIALS = "_partials"
_SEQUENCE_MAX = 10_000
_DEPTH_MAX = 32


class Rendering:
    """The files of one bundle with one set of values."""

    def __init__(self, bundle: Bundle, values: dict[str, Any]) -> None:
        self._bundle = bundle
        self._values = values
        self._written: dict[str, str] = {}
        self._depth = 0

    def files(self) -> dict[str, str]:
        """Texts by path. Raises CliError that names the template."""
        if self._bundle.make is not None:
            return dict(sorted(self._bundle.make(self._values).items()))
        prefix = f"{self._bundle.templates}/"
        for name in sorted(self._bundle.files):
            path = name.removeprefix(prefix)
            if path == name or path.startswith(f"{_PARTIALS}/"):
                continue
            text = self._rendered(name, self._values)
            if text.strip() or not self._bundle.skip_empty:
                self._written[path] = text
        return dict(sorted(self._written.items()))

    def text(self, template: str) -> str:
        """A text with the values in it."""
        try:
            return render(template, self._functions(), self._values)
        except TemplateError as error:
            raise CliError(f"bundle.yaml: {error}") from None

    def _rendered(self, name: str, data: Any) -> str:
        if self._depth >= _DEPTH_MAX:
            raise CliError(f"{name}: templates render each other without end")
        self._depth += 1
        try:
            return render(self._bundle.files[name], self._functions(), data)
        except TemplateError as error:
            raise CliError(f"{name}: {error}") from None
        finally:
            self._depth -= 1

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {**_FUNCTIONS, "render": self._render, "write": self._write}

    def _render(self, name: str, data: Any = None) -> str:
        path = f"{self._bundle.templates}/{local_path(str(name))}"
        if path not in self._bundle.files:
            raise CliError(f"the bundle has no template {name}")
        return self._rendered(path, data)

    def _write(self, name: str, text: str) -> str:
        self._written[local_path(str(name))] = str(text)
        return ""


def write_files(target: Path, files: dict[str, str]) -> list[Path]:
    """Makes the folder with the files, all or nothing. Raises CliError; nothing is replaced."""
    if target.exists():
        raise CliError(f"{target} exists already")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as name:
            made = Path(name) / "made"
            made.mkdir()
            for path, text in files.items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                # May hold passwords: for the owner only.
                handle = os.open(made / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(text)
            made.rename(target)
    except OSError as error:
        raise CliError(f"cannot write {target}: {error.strerror}") from None
    return [target / path for path in files]


def _seq(*bounds: int) -> str:
    """`1 2 3`, as the command of this name counts."""
    first, step, last = 1, 1, int(bounds[-1])
    if len(bounds) > 1:
        first = int(bounds[0])
    if len(bounds) > 2:
        step = int(bounds[1])
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > _SEQUENCE_MAX:
        raise CliError("a sequence of a template is too long")
    return " ".join(str(number) for number in numbers)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "seq": _seq,
    "split": lambda separator, text: str(text).split(str(separator)) if text else [],
    "splitList": lambda separator, text: str(text).split(str(separator)) if text else [],
    "join": lambda separator, values: str(separator).join(str(value) for value in values),
    "upper": lambda text: str(text).upper(),
    "lower": lambda text: str(text).lower(),
    "trim": lambda text: str(text).strip(),
    "quote": lambda text: '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"',
    "replace": lambda old, new, text: str(text).replace(str(old), str(new)),
    "contains": lambda part, text: str(part) in str(text),
    "hasPrefix": lambda part, text: str(text).startswith(str(part)),
    "hasSuffix": lambda part, text: str(text).endswith(str(part)),
    "default": lambda fallback, value=None: value or fallback,
    "add": lambda *numbers: sum(int(number) for number in numbers),
    "sub": lambda one, other: int(one) - int(other),
    "mul": lambda one, other: int(one) * int(other),
    "int": lambda value: int(value),
    "until": lambda count: list(range(min(int(count), _SEQUENCE_MAX))),
}
