"""What a session remembers of errors."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from nats import errors as nats_errors
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_common.contexts import Context

REFUSED = nats_errors.Error('nats: permissions violation for publish to "a"')


def session() -> Session:
    async def flush(timeout: float) -> None:
        pass

    client: Any = SimpleNamespace(flush=flush, last_error=None)
    return Session(client, Context(), GlobalOptions())


def test_what_kept_a_connection_away_is_over_with_the_next_one() -> None:
    made = session()
    made.note_error(ConnectionRefusedError(111, "Connection refused"))
    with pytest.raises(CliError, match="Connection refused"):
        asyncio.run(made.check())
    made.reconnected()
    asyncio.run(made.check())


def test_a_refusal_is_not() -> None:
    made = session()
    made.note_error(REFUSED)
    made.reconnected()
    with pytest.raises(CliError, match="permissions violation"):
        asyncio.run(made.check())
