"""JSON and YAML files of users."""

from __future__ import annotations

import json
from typing import Any


def load_document(text: str) -> Any:
    """The value of a JSON or YAML text. Raises ValueError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise ValueError(reason) from None
