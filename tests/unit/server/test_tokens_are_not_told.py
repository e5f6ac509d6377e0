"""A client that is known by a token alone: others are told that it has one, not which."""

from __future__ import annotations

from pynats_server.accounts.request_info import RequestInfo
from pynats_server.options import Authorization, Options
from pynats_server.server.server import Server

from tests.support.jetstream import connect
from tests.support.on_loop import on_loop


@on_loop
async def test_services_of_other_accounts_are_told_of_no_token() -> None:
    options = Options(host="127.0.0.1", port=-1, authorization=Authorization(token="s3cret"))
    async with Server(options) as server:
        client = await connect(server.client_url, token="s3cret")
        (known,) = server.state.clients()
        told = RequestInfo("s").describe(known, share=True)
        assert told["user"] == "[REDACTED]"
        await client.close()
