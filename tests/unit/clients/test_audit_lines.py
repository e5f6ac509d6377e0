"""The line of the log for each log-in (`log_logins`): what was compared, what was only said, and
never a secret."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from pynats_server import Authorization, LogOptions, Options, ThreadedServer, User

from tests.support.deadline import wait_until
from tests.support.raw import RawClient

USERS = Authorization(users=[User("pat", "s3cret")])
TOKEN = Authorization(token="s3cret")
LINES: list[tuple[Authorization, str, str]] = [
    (USERS, '{"user":"pat","pass":"s3cret"}', 'accepted: method=password user="pat" account="$G"'),
    (
        USERS, '{"user":"pat","pass":"s3cret-x"}',
        'refused: method=password user="pat" reason="authentication error"',
    ),
    (USERS, '{"auth_token":"s3cret"}',
     'refused: method=token user="token" reason="authentication error"'),
    (USERS, "{}", 'refused: method=none reason="authentication error"'),
    (USERS, '{"nkey":"UAB","sig":"s3cret"}',
     'refused: method=nkey user="UAB" reason="authentication error"'),
    (USERS, '{"jwt":"s3cret.s3cret.s3cret"}', 'refused: method=jwt reason="authentication error"'),
    (USERS, r'{"user":"a\nlog-in accepted: method=jwt"}',
     r'refused: method=password user="a\nlog-in accepted: method=jwt" '
     'reason="authentication error"'),
    (TOKEN, '{"auth_token":"s3cret"}', 'accepted: method=token account="$G"'),
    (TOKEN, '{"auth_token":"s3cret","user":"ada"}',
     'accepted: method=token account="$G"'),
    (Authorization(), '{"user":"ada","pass":"s3cret"}',
     'accepted: method=none claimed="ada" account="$G"'),
]  # fmt: skip


@pytest.mark.parametrize(("block", "says", "line"), LINES, ids=lambda each: str(each)[:40])
def test_the_line(block: Authorization, says: str, line: str) -> None:
    told: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: Any) -> None:
            told.append(record.getMessage())

    logger = logging.Logger("audit", logging.INFO)
    logger.addHandler(Kept())
    options = Options(
        host="127.0.0.1", port=-1, authorization=block, log=LogOptions(log_logins=True)
    )
    with (
        ThreadedServer(options, log=logger) as server,
        RawClient(server.server.client_port) as client,
    ):
        client.read_info()
        client._write(f"CONNECT {says}\r\n".encode())
        wait_until(lambda: any(" - log-in " in each for each in told), "the line")
    (found,) = [each for each in told if " - log-in " in each]
    assert re.fullmatch(rf"127\.0\.0\.1:\d+ - cid:\d+ - log-in {re.escape(line)}", found)
    assert "s3cret" not in "".join(told)
