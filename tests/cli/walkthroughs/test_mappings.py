"""Subject mappings."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User

preload("server", "stream")

# The documentation writes the second mapping without quotes: for the real server its name then ends at
# the first brace.
CONFIG = """
server_name: hub
jetstream { store_dir: @FOLDER@/store }
mappings: {
  orders.flush  orders.central.flush
  orders.* "orders.central.{{wildcard(1)}}"
}
"""

LINES = (
    Line("nats server mapping foo bar foo", "bar"),
    Line("nats server mapping foo bar", """
        Enter subjects to test, an empty subject ends. No server is changed.

        ? Subject foo
        bar

        ? Subject test
        Error: no matching transforms available

        ? Subject""", answers=(
        ("Enter subjects to test", ""), ("Subject", "foo\r"), ("bar", ""),
        ("Subject", "test\r"), ("Error: no matching transforms available", ""), ("Subject", "\r"))),
    Line('nats server mapping ">"  "baz.>" bar.a.b', "baz.bar.a.b"),
    Line('nats server mapping "bar.*.*"  "baz.{{wildcard(2)}}.{{wildcard(1)}}" bar.a.b', "baz.b.a"),
    Line('nats server mapping "bar.*.*"  "baz.$2.$1" bar.a.b', "baz.b.a"),
    Line('nats server mapping "orders.*.*" "foo.{{wildcard(2)}}" orders.local.order1', "foo.order1"),
    Line('nats server mapping "*" "{{split(1,-)}}" foo-bar', "foo.bar"),
    Line('nats server mapping "*" "{{split(1,--)}}" foo--bar', "foo.bar"),
    Line('nats server mapping "*" "{{splitfromleft(1,4)}}" 1234567', "1234.567"),
    Line('nats server mapping "*" "{{splitfromright(1,4)}}" 1234567', "123.4567"),
    Line('nats server mapping "*" "{{slicefromleft(1,2)}}" 1234567', "12.34.56.7"),
    Line('nats server mapping "*" "{{slicefromright(1,2)}}" 1234567', "1.23.45.67"),
    Line('nats server mapping "*" "{{SliceFromRight(1,2)}}" 1234567', "1.23.45.67"),
    Line('nats server mapping "neworders.*" "neworders.{{wildcard(1)}}.{{partition(3,1)}}" neworders.customerid1', "neworders.customerid1.0"),
    Line('nats server mapping "foo.*.*" "foo.{{wildcard(1)}}.{{wildcard(2)}}.{{partition(5,1,2)}}" foo.us.customerid', "foo.us.customerid.0"),
    Line('nats server mapping "foo.*.*" "foo.{{wildcard(1)}}.{{wildcard(2)}}.{{partition(10,1,2)}}" foo.1.a', "foo.1.a.1"),
    Line("nats server mapping foo bar test", "pynats: error: no matching transforms available", code=1),
    Line("nats stream add orders --subjects orders.central.* --defaults"),
    Line("nats trace orders.device1", """
        Tracing message route to subject orders.device1

        Client "NATS CLI Version <word>" cid:<n> server:"hub" version:"<word>"
            Mapping subject:"orders.central.device1"
        --J JetStream action:"stored" stream:"orders" subject:"orders.central.device1"
        --X No active interest

        Legend: Client: --C Router: --> Gateway: ==> Leafnode: ~~> JetStream: --J Error: --X

        Egress Count:

          JetStream: 1"""),
    Line("nats trace nobody.there", """
        Tracing message route to subject nobody.there

        Client "NATS CLI Version <word>" cid:<n> server:"hub" version:"<word>"
        --X No active interest

        Legend: Client: --C Router: --> Gateway: ==> Leafnode: ~~> JetStream: --J Error: --X"""),
    Line("nats sub orders.central.>", "<clock> Subscribing on orders.central.>", stays='s'),
    Line("nats pub orders.flush now", '<clock> Published 3 bytes to "orders.flush"'),
    Seen("s", """
        [#1] Received on "orders.central.flush"
        now


        <clock> Subscribing on orders.central.>"""),
)


def test_mappings(user: User) -> None:
    user.follow(LINES)
