"""A stream, what is published to it, and a consumer."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User
from tests.cli.walkthroughs.screens import new_stream

preload("stream", "consumer", "account")

LINES = (
    Line("nats account info", """
        Account Information

                                   User:
                                Account: $G ($G)
                         System Account: false
                                Expires: never
                              Client ID: <n>
                              Client IP: 127.0.0.1
                                    RTT: <age>
                      Headers Supported: true
                        Maximum Payload: 1.0 MiB
                          Connected URL: nats://127.0.0.1:{port}
                      Connected Address: 127.0.0.1:{port}
                    Connected Server ID: <key>
               Connected Server Version: <word>
                  Connected Server Name: <key>
                         TLS Connection: no

        JetStream Account Information:

        Account Usage:

                                Storage: 0 B
                                 Memory: 0 B
                                Streams: 0
                              Consumers: 0

        Account Limits:

                    Max Message Payload: 1.0 MiB

          Tier: Default:

              Configuration Requirements:

                Stream Requires Max Bytes Set: false
                 Consumer Maximum Ack Pending: Unlimited

              Stream Resource Usage Limits:

                                       Memory: 0 B of Unlimited
                            Memory Per Stream: Unlimited
                                      Storage: 0 B of Unlimited
                           Storage Per Stream: Unlimited
                                      Streams: 0 of Unlimited
                                    Consumers: Unlimited"""),
    Line("nats stream add my_stream --subjects foo --defaults", new_stream("my_stream", "foo")),
    Line("nats stream info my_stream", """
        ...
                             Subjects: foo
                             Replicas: 1
                              Storage: File

        Options:

                            Retention: Limits
                      Acknowledgments: true
                       Discard Policy: Old
                     Duplicate Window: 2m0s
                           Direct Get: true
          Allows Atomic Batch Publish: false
            Allows Fast Batch Publish: false
                      Allows Counters: false
                    Allows Msg Delete: true
               Allows Per-Message TTL: false
                         Allows Purge: true
                     Allows Schedules: false
                       Allows Rollups: false

        Limits:

                     Maximum Messages: unlimited
                  Maximum Per Subject: unlimited
                        Maximum Bytes: unlimited
                          Maximum Age: unlimited
                 Maximum Message Size: unlimited
                    Maximum Consumers: unlimited

        State:

                         Host Version: <word>
                   Required API Level: 0 hosted at level <n>
                             Messages: 0
                                Bytes: 0 B
                       First Sequence: 0
                        Last Sequence: 0
                     Active Consumers: 0"""),
    Line('nats pub foo --count=3 --sleep 1ms "publication #{{.Count}} @ {{.TimeStamp}}"', """
        <clock> Published 37 bytes to "foo"
        <clock> Published 37 bytes to "foo"
        <clock> Published 37 bytes to "foo\""""),
    Line("nats stream info my_stream", """
        ...
        State:

                         Host Version: <word>
                   Required API Level: 0 hosted at level <n>
                             Messages: 3
                                Bytes: 210 B
                       First Sequence: 1 @ <time>
                        Last Sequence: 3 @ <time>
                     Active Consumers: 0
                   Number of Subjects: 1"""),
    Line("nats stream get my_stream 1", """
        Item: my_stream#1 received <time> +0000 UTC (<age>) on Subject foo

        publication #1 @ <time>"""),
    Line("nats stream view my_stream", """
        [1] Subject: foo Received: <time>
        publication #1 @ <time>

        [2] Subject: foo Received: <time>
        publication #2 @ <time>

        [3] Subject: foo Received: <time>
        publication #3 @ <time>

        <clock> Reached apparent end of data"""),
    Line("nats sub foo", "<clock> Subscribing on foo", stays='core'),
    Line("nats pub foo late", '<clock> Published 4 bytes to "foo"'),
    Seen("core", """
        [#1] Received on "foo"
        late


        <clock> Subscribing on foo"""),
    Line("nats consumer add my_stream pull_consumer --pull --defaults", """
        Information for Consumer my_stream > pull_consumer created <time>

        Configuration:

                            Name: pull_consumer
                       Pull Mode: true
                  Deliver Policy: All
                      Ack Policy: Explicit
                        Ack Wait: 30.00s
                   Replay Policy: Instant
                 Max Ack Pending: 1,000
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 0
            Acknowledgment Floor: Consumer sequence: 0 Stream sequence: 0
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 4
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer info my_stream pull_consumer", """
        ...
        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 0
            Acknowledgment Floor: Consumer sequence: 0 Stream sequence: 0
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 4
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next my_stream pull_consumer --count 4", """
        [<clock>] subj: foo / tries: 1 / cons seq: 1 / str seq: 1 / pending: 3

        publication #1 @ <time>

        Acknowledged message

        [<clock>] subj: foo / tries: 1 / cons seq: 2 / str seq: 2 / pending: 2

        publication #2 @ <time>

        Acknowledged message

        [<clock>] subj: foo / tries: 1 / cons seq: 3 / str seq: 3 / pending: 1

        publication #3 @ <time>

        Acknowledged message

        [<clock>] subj: foo / tries: 1 / cons seq: 4 / str seq: 4 / pending: 0

        late

        Acknowledged message"""),
    Line("nats consumer info my_stream pull_consumer", """
        ...
        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 4 Stream sequence: 4 Last delivery: <age> ago
            Acknowledgment Floor: Consumer sequence: 4 Stream sequence: 4 Last Ack: <age> ago
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 0
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer ls my_stream", """
        │ Consumers │
        │ Name │ Description │ Created │ Ack Pending │ Unprocessed │ Last Delivery │
        │ pull_consumer │ │ <time> │ 0 │ 0 │ <age> │"""),
    Line("nats consumer report my_stream", """
        │ Consumer report for my_stream with 1 consumers │
        │ Consumer │ Mode │ Ack Policy │ Ack Wait │ Ack Pending │ Redelivered │ Unprocessed │ Ack Floor │ API Level │ Cluster │
        │ pull_consumer │ Pull │ Explicit │ <age> │ 0 │ 0 │ 0 / 0% │ 4 │ 0 │ │"""),
    Line("nats consumer rm my_stream pull_consumer -f", ""),
    Line("nats consumer ls my_stream", "No Consumers defined"),
    Line("nats stream rmm my_stream 1 -f", ""),
    Line("nats stream ls", """
        │ Streams │
        │ Name │ Description │ Created │ Messages │ Size │ Last Message │
        │ my_stream │ │ <time> │ 3 │ 177 B │ <age> │"""),
    Line("nats stream report", """
        │ Stream Report │
        │ Stream │ Storage │ Placement │ Consumers │ Messages │ Bytes │ Lost │ Deleted │ API Level │ Replicas │
        │ my_stream │ File │ │ 0 │ 3 │ 177 B │ 0 │ 0 │ 0 │ │
        Obtaining Stream stats"""),
    Line("nats stream subjects my_stream", """
        │ 1 Subject in stream my_stream │
        │ Subject │ Count │
        │ foo │ 3 │"""),
    Line("nats stream purge my_stream -f", """
        Purged 3 messages from my_stream

        State for Stream my_stream created <time>

        State:

                Host Version: <word>
          Required API Level: 0 hosted at level <n>
                    Messages: 0
                       Bytes: 0 B
              First Sequence: 5
               Last Sequence: 4 @ <time>
            Active Consumers: 0"""),
    Line("nats stream rm my_stream -f", ""),
    Line("nats stream ls", "No Streams defined"),
)


def test_streams(user: User) -> None:
    user.follow(LINES)
