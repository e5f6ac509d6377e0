"""The tables of keys as data, for tools that do not import the server (`make docs`).

`python -m pynats_server.settings.export > common/pynats_common/serverkeys/keys.json`
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pynats_server.settings.document import default_text
from pynats_server.settings.schema import Setting, Table
from pynats_server.settings.top_level import TOP_LEVEL

# What a value is, by the function that reads it.
_KINDS = {
    "switch": (
        "boolean switch _boolean.<locals>.read _flag.<locals>.read _known_urls _switch _strict"
    ),
    "number": "integer.<locals>.read _whole.<locals>.read _rate _position _sampling",
    "size": "_size.<locals>.read _size _absolute_size _limit.<locals>.read",
    "duration": (
        "duration_s lame_duck_duration_s lame_duck_grace_period_s _duration_s _seconds "
        "_seconds.<locals>.read _timeout _read_timeout _read_expires _threshold _sync_interval"
    ),
    "port": "port",
    "address": "address",
    "path": "path _file _store read_store_dir",
    "texts": (
        "strings.<locals>.read read_operators read_trusted_keys read_pinned_accounts _names "
        "_names.<locals>.read _urls _texts _pins _read_connection_types _subjects.<locals>.read"
    ),
    "map": "string_map.<locals>.read feature_flags log_levels read_preload _required",
    "named blocks": "read_accounts read_mappings _roles",
    "block or blocks": "read_users read_exports read_imports _read_trusted _certificates read_oidc",
    "value or block": (
        "read_jetstream _read_jetstream read_ocsp read_ocsp_cache read_ocsp_peer read_resolver "
        "_subject_permission.<locals>.read _read_responses _origin.<locals>.read read_trace "
        "_latency"
    ),
    "block": (
        "read_authorization read_auth_callout read_permissions read_proxies read_publish_limits "
        "read_tls read_client_tls read_http_auth read_metrics _limits _batch _read_limits"
    ),
    "value": "_handshake_first _watch _anything _weight",
}
# Readers of single texts, each with rules of its own.
_TEXTS = (
    "string name server_name url_path choice.<locals>.read _cipher _mode _kind _key.<locals>.read "
    "_subject.<locals>.read _response _destination _read_nkey _read_key _cache_type _cert_store "
    "_cert_match_by _store_text _min_version _unique_tag _cluster_traffic read_system_account "
    "read_sentinel"
)
_BY_READER = {
    name: kind for kind, names in {**_KINDS, "text": _TEXTS}.items() for name in names.split()
}


def kind_of_value(setting: Setting) -> str:
    """What the value of a key is; KeyError for a reader that nobody has classified."""
    if setting.read is None:
        return "value"
    return _BY_READER[setting.read.__qualname__]


def export() -> dict[str, list[dict[str, Any]]]:
    """Rows by the dotted name of their block, "" = the top level."""
    blocks: dict[str, list[dict[str, Any]]] = {}
    _add("", TOP_LEVEL, blocks, {})
    return blocks


def _add(
    name: str, table: Table, blocks: dict[str, list[dict[str, Any]]], known: dict[int, str]
) -> None:
    known[id(table)] = name
    rows = blocks[name] = [_row(setting, table) for setting in table.settings]
    for setting, row in zip(table.settings, rows, strict=True):
        block = setting.block
        if block is None:
            continue
        if id(block) not in known:  # as in the documentation, the first place is its own
            _add(f"{name}.{setting.name}" if name else setting.name, block, blocks, known)
        row["block"] = known[id(block)]


def _row(setting: Setting, table: Table) -> dict[str, Any]:
    row: dict[str, Any] = {"name": setting.name, "help": setting.help}
    row["kind"] = kind_of_value(setting)
    if setting.aliases:
        row["aliases"] = list(setting.aliases)
    if setting.read is None:
        row["later"] = True  # pynats-server has no such part yet
    elif default := default_text(setting, table.defaults()):
        row["default"] = default
    if setting.reloadable:
        row["reload"] = True
    return row


if __name__ == "__main__":
    sys.stdout.write(json.dumps(export(), indent=1) + "\n")
