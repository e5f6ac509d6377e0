"""A service, its latency across accounts, and a backup of a stream."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User

preload("service", "stream", "backup", "errors", "schema")

CONFIG = """
accounts {
  A {
    users [{user: a, password: a}]
    jetstream: enabled
    exports [{service: help, latency: {sampling: 100%, subject: latency.help}}]
  }
  B {
    users [{user: b, password: b}]
    imports [{service: {account: A, subject: help}}]
  }
}
no_auth_user: a
jetstream { store_dir: @FOLDER@/store }
"""

LINES = (
    Line("nats service serve demo", """
        NATS CLI Service demo handler <n> waiting for requests on {url}

        Listening Subjects:

          demo.echo: Echo Service

        Requests Log:""", stays="demo"),
    Line("nats micro ls", """
        │ All Services │
        │ Name │ Version │ ID │ Description │
        │ demo │ 1.0.0 │ <word> │ NATS CLI Demo Service (demo) │"""),
    Line("nats micro info demo", """
        Service Information

                  Service: demo (<word>)
              Description: NATS CLI Demo Service (demo)
                  Version: 1.0.0
        ...
                       Name: echo
                    Subject: demo.echo
                Queue Group: q
        ..."""),
    Line("nats micro stats demo", """
        │ demo Service Statistics │
        │ ID │ Endpoint │ Requests │ Queue Group │ Errors │ Processing Time │ Average Time │
        │ <word> │ echo │ 0 │ q │ 0 │ 0s │ 0s │
        │ │ │ 0 │ │ 0 │ 0s │ 0s │"""),
    Line("nats micro req demo echo hello", """
        hello


        <clock> Sending request on "demo.echo"
        <clock> Received with rtt <age>
        <clock> ConnectedUrl: {url}
        <clock> Handler: <n>
        <clock> Subject: demo.echo
        <clock> Timestamp: <time>
        <any>"""),
    Line("nats sub latency.help", "<clock> Subscribing on latency.help", stays="latency"),
    Line("nats reply help 'I will help'", '<clock> Listening on "help" in group "NATS-RPLY-22"', stays="help"),
    Line("nats req help me --user b --password b", """
        I will help


        <clock> Sending request on "help"
        <clock> Received with rtt <age>"""),
    Seen("latency", """
        [#1] Received on "latency.help"
        {"type":"io.nats.server.metric.v1.service_latency","id":<any>,"status":200,"requestor":{"acc":"B","rtt":<n>},"responder":<any>


        <clock> Subscribing on latency.help"""),
    Line("nats stream add ORDERS --subjects ORDERS.* --defaults"),
    Line("nats pub ORDERS.new one", '<clock> Published 3 bytes to "ORDERS.new"'),
    Line("nats consumer add ORDERS NEW --pull --defaults"),
    Line("nats backup stream ORDERS {home}/backup --no-progress"),
    Line("nats stream rm ORDERS -f", ""),
    Line("nats backup restore stream {home}/backup --no-progress", """
        Starting restore of Stream "ORDERS" from file "{home}/backup"

        Restored stream "ORDERS" in <age>

        Information for Stream ORDERS created <time>
        ...
                             Messages: 1
                                Bytes: 43 B
                       First Sequence: 1 @ <time>
                        Last Sequence: 1 @ <time>
                     Active Consumers: 1
                   Number of Subjects: 1"""),
    Line("nats consumer ls ORDERS --names", "NEW"),
    Line("nats errors lookup 10059", """
        NATS Error Code: 10059

                Description: stream not found
                  HTTP Code: 404
          Go Index Constant: JSStreamNotFoundErr

        No further information available"""),
    Line("nats schema search stream_names", """
        Matched Schemas:

          io.nats.jetstream.api.v1.stream_names_request
          io.nats.jetstream.api.v1.stream_names_response"""),
)


def test_services_and_backups(user: User) -> None:
    user.follow(LINES)
