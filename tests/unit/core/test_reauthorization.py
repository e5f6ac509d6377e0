"""Permissions that change during a connection: a later CONNECT, a reload."""

from __future__ import annotations

import dataclasses

from pynats_server.options import (
    Authorization,
    LogOptions,
    Options,
    Permissions,
    SubjectPermission,
    User,
)
from pynats_server.server.server import Server
from pynats_server.threaded import ThreadedServer

from tests.support.raw import RawClient

ADMIN = b'CONNECT {"verbose":false,"user":"admin","pass":"pw"}\r\n'


def _options(guest: Permissions) -> Options:
    return Options(
        host="127.0.0.1",
        port=-1,
        log=LogOptions(),
        authorization=Authorization(users=[User("admin", "pw"), User("guest", "pw", guest)]),
        no_auth_user="guest",
    )


def test_subscription_of_the_implicit_user_survives_a_connect_without_limits() -> None:
    """Messages that are filtered for the guest are not filtered for the admin without
    permissions."""
    guest = Permissions(subscribe=SubjectPermission(deny=["secret.*"]))
    with ThreadedServer(_options(guest)) as server, RawClient(server.server.client_port) as client:
        client.read_info()
        client.send(b"SUB > 1\r\n")
        client.fence()
        client.send(ADMIN + b"PUB secret.plan 2\r\nhi\r\n")
        client.fence()
        assert b"MSG secret.plan 1 2\r\nhi\r\n" in client.received


def test_subscription_of_the_implicit_user_is_judged_by_the_new_permissions() -> None:
    options = _options(Permissions())
    options.authorization.users[0].permissions = Permissions(
        subscribe=SubjectPermission(deny=["secret.*"])
    )
    with ThreadedServer(options) as server, RawClient(server.server.client_port) as client:
        client.read_info()
        client.send(b"SUB secret.plan 1\r\nSUB > 2\r\n")
        client.fence()
        client.send(ADMIN + b"PUB secret.plan 2\r\nhi\r\nPUB open 2\r\nho\r\n")
        client.fence()
        assert b"MSG open 2 2\r\nho\r\n" in client.received
        assert b"MSG secret.plan" not in client.received


def test_reload_passes_over_a_subject_that_is_no_text() -> None:
    """All clients are checked, also those after one with a subject that is not UTF-8."""
    before = _options(Permissions())
    after = _options(Permissions(subscribe=SubjectPermission(deny=["secret.>"])))
    with ThreadedServer(before) as server:
        port = server.server.client_port
        with RawClient(port) as first, RawClient(port) as second:
            for client in (first, second):
                client.read_info()
                client.send(b"SUB secret.\xff\xfe 1\r\nSUB secret.plan 2\r\n")
                client.fence()
            fresh = dataclasses.replace(after, port=before.port)
            server.server.load_options = lambda: fresh
            assert server.call(Server.reload)
            for client in (first, second):
                client.fence()
                assert client.received.count(b"Permissions Violation for Subscription") == 2
