"""Publish-subscribe, request-reply, queue groups, services."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User

preload("service", "latency")

CONFIG = ""

PUBLISH_SUBSCRIBE = (
    Line("nats sub msg.test", "<clock> Subscribing on msg.test", stays="first", note="Listening on [msg.test]"),
    Line('nats pub msg.test "NATS MESSAGE"', '<clock> Published 12 bytes to "msg.test"'),
    Line('nats pub msg.test "NATS MESSAGE 2"', '<clock> Published 14 bytes to "msg.test"'),
    Line("nats sub msg.test", "<clock> Subscribing on msg.test", stays="second"),
    Line('nats pub msg.test "NATS MESSAGE 3"', '<clock> Published 14 bytes to "msg.test"'),
    Line("nats sub msg.test.new", "<clock> Subscribing on msg.test.new", stays="third"),
    Line('nats pub msg.test "NATS MESSAGE 4"', '<clock> Published 14 bytes to "msg.test"'),
    Line("nats sub msg.*", "<clock> Subscribing on msg.*", stays="fourth"),
    Line('nats pub msg.test "NATS MESSAGE 5"', '<clock> Published 14 bytes to "msg.test"'),
    Seen("fourth", """
        [#1] Received on "msg.test"
        NATS MESSAGE 5


        <clock> Subscribing on msg.*"""),
    Seen("third", "<clock> Subscribing on msg.test.new"),
    Seen("second", """
        [#1] Received on "msg.test"
        NATS MESSAGE 3


        [#2] Received on "msg.test"
        NATS MESSAGE 4


        [#3] Received on "msg.test"
        NATS MESSAGE 5


        <clock> Subscribing on msg.test"""),
    Seen("first", """
        [#1] Received on "msg.test"
        NATS MESSAGE


        [#2] Received on "msg.test"
        NATS MESSAGE 2
        ...
        [#5] Received on "msg.test"
        NATS MESSAGE 5


        <clock> Subscribing on msg.test"""),
)

REQUEST_REPLY = (
    Line("nats request help.please 'I need help!'", """
        <clock> Sending request on "help.please"
        <clock> No responders are available""", code=1),
    Line("nats reply help.please 'OK, I CAN HELP!!!'", '<clock> Listening on "help.please" in group "NATS-RPLY-22"', stays="replier"),
    Line("nats request help.please 'I need help!'", """
        OK, I CAN HELP!!!


        <clock> Sending request on "help.please"
        <clock> Received with rtt <age>"""),
    Seen("replier", """
        I need help!
        <clock> Listening on "help.please" in group "NATS-RPLY-22"
        <clock> [#0] Received on subject "help.please":"""),
)

_ANSWER = "service instance <word> Reply# <n>\n\n\n"
QUEUE_GROUPS = (
    Line('nats reply foo "service instance A Reply# {{Count}}"', '<clock> Listening on "foo" in group "NATS-RPLY-22"', stays="A"),
    Line('nats reply foo "service instance B Reply# {{Count}}"', '<clock> Listening on "foo" in group "NATS-RPLY-22"', stays="B"),
    Line('nats reply foo "service instance C Reply# {{Count}}"', '<clock> Listening on "foo" in group "NATS-RPLY-22"', stays="C"),
    Line('nats request foo "Simple request"', _ANSWER + """\
<clock> Sending request on "foo"
<clock> Received with rtt <age>"""),
    Line('nats request foo --count 10 "Request {{Count}}"', _ANSWER * 10 + """\
<clock> Sending request on "foo"
<clock> Received with rtt <age>
...
<clock> Sending request on "foo"
<clock> Received with rtt <age>"""),
)


def test_publish_subscribe(user: User) -> None:
    user.follow(PUBLISH_SUBSCRIBE)


def test_request_reply(user: User) -> None:
    user.follow(REQUEST_REPLY)


def test_queue_groups(user: User) -> None:
    user.follow(QUEUE_GROUPS)
