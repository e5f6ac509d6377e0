"""What the log says of a CONNECT that is not the JSON it should be: the real server's words."""

from __future__ import annotations

from pynats_server.auth.connect import FIELDS


def complaint(raw: bytes, type_: str, otherwise: str) -> str:
    """About the text of a CONNECT, which complaints call a `type_`; `otherwise` where the real
    server would complain about nothing."""
    # Loaded when it is needed: most clients know what to say.
    from pynats_server.said.objects import (
        BODY_MAX,
        FLAG,
        INT,
        TEXT,
        BadBody,
        Kind,
        decode_fields,
    )

    if len(raw) > BODY_MAX:
        return otherwise
    kinds: dict[type, Kind] = {bool: FLAG, int: INT, str: TEXT}
    try:
        decode_fields(raw, type_, {name: (name, kinds[kind]) for name, (_, kind) in FIELDS.items()})
    except BadBody as error:
        return str(error)
    return otherwise
