"""Contexts: named connection settings shared with every NATS tool on the machine.

The field names and their order are those that `nats` writes, so both tools edit the same files.
Fields this version does not know are kept on save. `credrefs` fetches the secrets that a context,
or a flag, refers to.
"""

from pynats_common.contexts.context import (
    Context,
    ContextError,
    UnknownContextError,
)
from pynats_common.contexts.reading import load_context_file, parse_context
from pynats_common.contexts.store import ContextStore, check_name

__all__ = [
    "Context",
    "ContextError",
    "ContextStore",
    "UnknownContextError",
    "check_name",
    "load_context_file",
    "parse_context",
]
