"""Files of built-in bundles from data: what was answered cannot change their structure."""

from __future__ import annotations

import io
from typing import Any


def quoted(text: object) -> str:
    """A string of a server's configuration."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_yaml(about: str, document: Any) -> str:
    """A YAML file that begins with a comment."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 10_000  # tokens are long
    text = io.StringIO()
    yaml.dump(document, text)
    return "".join(f"# {line}\n" for line in about.splitlines()) + text.getvalue()
