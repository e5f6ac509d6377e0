"""What the tables say of a key, as people and other programs read it."""

from __future__ import annotations

import re
from typing import Any, Final

from pynats_common.go.durations import format_duration_s

from pynats_server.settings.paths import get_path
from pynats_server.settings.schema import Setting

# In a help: what counts without the key.
STATED: Final = re.compile(r"(?: \(|[,;] )default:? [^,;()]*\)?")

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


def default_text(setting: Setting, options: Any) -> str:
    """The value without the key, "" if there is none worth a word."""
    try:
        value = get_path(options, setting.path)
    except AttributeError:
        return ""  # it sets other keys
    if setting.store is not None and setting.path.rpartition(".")[2] != setting.name:
        return ""
    if value is None or value == "" or isinstance(value, (list, dict)) or setting.block:
        return ""
    if not value and STATED.search(setting.help):
        return ""  # zero stands for what the help says
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_duration_s(value) if isinstance(value, float) else str(value)
