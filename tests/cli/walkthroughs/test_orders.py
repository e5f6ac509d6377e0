"""The ORDERS of the model's deep dive."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import Line, Seen, User
from tests.cli.walkthroughs.screens import new_stream

preload("stream", "consumer")


def new_consumer(name: str, kind: str) -> str:
    """The screen of a pull consumer of these orders, as it is added."""
    return f"""
        Information for Consumer ORDERS > {name} created <time>

        Configuration:

                            Name: {name}
                       Pull Mode: true
                  Filter Subject: ORDERS.{kind}
                  Deliver Policy: All
                      Ack Policy: Explicit
                        Ack Wait: 30.00s
                   Replay Policy: Instant
                   Sampling Rate: 100
                 Max Ack Pending: 1,000
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 0
            Acknowledgment Floor: Consumer sequence: 0 Stream sequence: 0
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 0
                   Waiting Pulls: 0 of maximum 512"""


LINES = (
    Line('nats stream add ORDERS --subjects "ORDERS.*" --ack --max-msgs=-1 --max-bytes=-1 --max-age=1y --storage file --retention limits --max-msg-size=-1 --discard=old --defaults', new_stream("ORDERS", "ORDERS.*", "1y0d0h0m0s")),
    Line("nats consumer add ORDERS NEW --filter ORDERS.received --ack explicit --pull --deliver all --max-deliver=-1 --sample 100 --defaults", new_consumer("NEW", "received")),
    Line("nats consumer add ORDERS DISPATCH --filter ORDERS.processed --ack explicit --pull --deliver all --max-deliver=-1 --sample 100 --defaults", new_consumer("DISPATCH", "processed")),
    Line("nats consumer add ORDERS MONITOR --filter '' --ack none --target monitor.ORDERS --deliver last --replay instant --defaults", """
        Information for Consumer ORDERS > MONITOR created <time>

        Configuration:

                            Name: MONITOR
                Delivery Subject: monitor.ORDERS
                  Deliver Policy: Last
                      Ack Policy: None
                   Replay Policy: Instant
                    Flow Control: false

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 0
            Unprocessed Messages: 0
                 Active Interest: No interest"""),
    Line("nats req -H Nats-Msg-Id:1 ORDERS.new hello1", """
        {"stream":"ORDERS","seq":1}


        <clock> Sending request on "ORDERS.new"
        <clock> Received with rtt <age>"""),
    Line("nats req -H Nats-Msg-Id:1 ORDERS.new hello2", """
        {"stream":"ORDERS","seq":1,"duplicate": true}


        <clock> Sending request on "ORDERS.new"
        <clock> Received with rtt <age>"""),
    Line("nats stream state ORDERS", """
        State for Stream ORDERS created <time>

        State:

                Host Version: <word>
          Required API Level: 0 hosted at level <n>
                    Messages: 1
                       Bytes: 78 B
              First Sequence: 1 @ <time>
               Last Sequence: 1 @ <time>
            Active Consumers: 3
          Number of Subjects: 1"""),
    Line("nats stream purge ORDERS -f", """
        Purged 1 messages from ORDERS

        State for Stream ORDERS created <time>

        State:

                Host Version: <word>
          Required API Level: 0 hosted at level <n>
                    Messages: 0
                       Bytes: 0 B
              First Sequence: 2
               Last Sequence: 1 @ <time>
            Active Consumers: 3"""),
    Line("nats con info ORDERS DISPATCH", """
        ...
        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 1
            Acknowledgment Floor: Consumer sequence: 0 Stream sequence: 1
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 0
                   Waiting Pulls: 0 of maximum 512"""),
    Line('nats pub ORDERS.processed "order 4"', '<clock> Published 7 bytes to "ORDERS.processed"'),
    Line("nats con next ORDERS DISPATCH", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 1 / str seq: 2 / pending: 0

        order 4

        Acknowledged message"""),
    Line("nats con info ORDERS DISPATCH", """
        ...
        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 1 Stream sequence: 2 Last delivery: <age> ago
            Acknowledgment Floor: Consumer sequence: 1 Stream sequence: 2 Last Ack: <age> ago
                Outstanding Acks: 0 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 0
                   Waiting Pulls: 0 of maximum 512"""),
    Line('nats pub ORDERS.processed "order 5"', '<clock> Published 7 bytes to "ORDERS.processed"'),
    Line("nats consumer next ORDERS DISPATCH --no-ack", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 2 / str seq: 3 / pending: 0

        order 5"""),
    Line("nats consumer info ORDERS DISPATCH", """
        ...
        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 2 Stream sequence: 3 Last delivery: <age> ago
            Acknowledgment Floor: Consumer sequence: 1 Stream sequence: 2 Last Ack: <age> ago
                Outstanding Acks: 1 out of maximum 1,000
            Redelivered Messages: 0
            Unprocessed Messages: 0
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next ORDERS DISPATCH --wait 1s", "pynats: error: no message received: nats: timeout", code=1),
    Line('nats pub ORDERS.processed --count 98 "order {{Count}}"', ""),
    Line("nats consumer add ORDERS ALL --pull --filter ORDERS.processed --ack none --replay instant --deliver all --defaults", """
        Information for Consumer ORDERS > ALL created <time>

        Configuration:

                            Name: ALL
                       Pull Mode: true
                  Filter Subject: ORDERS.processed
                  Deliver Policy: All
                      Ack Policy: None
                   Replay Policy: Instant
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 1
            Unprocessed Messages: 100
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next ORDERS ALL", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 1 / str seq: 2 / pending: 99

        order 4

        Acknowledged message"""),
    Line("nats consumer add ORDERS LAST --pull --filter ORDERS.processed --ack none --replay instant --deliver last --defaults", """
        Information for Consumer ORDERS > LAST created <time>

        Configuration:

                            Name: LAST
                       Pull Mode: true
                  Filter Subject: ORDERS.processed
                  Deliver Policy: Last
                      Ack Policy: None
                   Replay Policy: Instant
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 100
            Unprocessed Messages: 1
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next ORDERS LAST", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 1 / str seq: 101 / pending: 0

        order 98

        Acknowledged message"""),
    Line("nats consumer add ORDERS TEN --pull --filter ORDERS.processed --ack none --replay instant --deliver 10 --defaults", """
        Information for Consumer ORDERS > TEN created <time>

        Configuration:

                            Name: TEN
                       Pull Mode: true
                  Filter Subject: ORDERS.processed
                  Deliver Policy: From Sequence 10
                      Ack Policy: None
                   Replay Policy: Instant
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 9
            Unprocessed Messages: 92
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next ORDERS TEN", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 1 / str seq: 10 / pending: 91

        order 7

        Acknowledged message"""),
    Line("nats stream purge ORDERS -f", """
        Purged 100 messages from ORDERS

        State for Stream ORDERS created <time>

        State:

                Host Version: <word>
          Required API Level: 0 hosted at level <n>
                    Messages: 0
                       Bytes: 0 B
              First Sequence: 102
               Last Sequence: 101 @ <time>
            Active Consumers: 6"""),
    Line('nats pub ORDERS.processed "order 1"', '<clock> Published 7 bytes to "ORDERS.processed"'),
    Line("nats consumer add ORDERS 2MIN --pull --filter ORDERS.processed --ack none --replay instant --deliver 2m --defaults", """
        Information for Consumer ORDERS > 2MIN created <time>

        Configuration:

                            Name: 2MIN
                       Pull Mode: true
                  Filter Subject: ORDERS.processed
                  Deliver Policy: Since <time>
                      Ack Policy: None
                   Replay Policy: Instant
               Max Waiting Pulls: 512

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 101
            Unprocessed Messages: 1
                   Waiting Pulls: 0 of maximum 512"""),
    Line("nats consumer next ORDERS 2MIN", """
        [<clock>] subj: ORDERS.processed / tries: 1 / cons seq: 1 / str seq: 102 / pending: 0

        order 1

        Acknowledged message"""),
    Line("nats sub my.monitor", "<clock> Subscribing on my.monitor", stays='monitor'),
    Line("nats consumer add ORDERS --filter '' --ack none --target 'my.monitor' --deliver last --replay instant --ephemeral --defaults", """
        Information for Consumer ORDERS > <word> created <time>

        Configuration:

                            Name: <word>
                Delivery Subject: my.monitor
                  Deliver Policy: Last
                      Ack Policy: None
                   Replay Policy: Instant
                    Flow Control: false
              Inactive Threshold: 5.00s

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 101
            Unprocessed Messages: 1
                 Active Interest: Active"""),
    Seen("monitor", """
        [#1] Received on "ORDERS.processed" with reply "$JS.ACK.ORDERS.<word>.1.102.1.<n>.0"
        order 1


        <clock> Subscribing on my.monitor"""),
    Line("nats consumer add ORDERS REPLAY --target out.original --filter ORDERS.processed --ack none --deliver all --sample 100 --replay original --defaults", """
        Information for Consumer ORDERS > REPLAY created <time>

        Configuration:

                            Name: REPLAY
                Delivery Subject: out.original
                  Filter Subject: ORDERS.processed
                  Deliver Policy: All
                      Ack Policy: None
                   Replay Policy: Original
                   Sampling Rate: 100
                    Flow Control: false

        State:

                    Host Version: <word>
              Required API Level: 0 hosted at level <n>
          Last Delivered Message: Consumer sequence: 0 Stream sequence: 101
            Unprocessed Messages: 1
                 Active Interest: No interest"""),
    Line("nats sub -t out.original", """
        [#1] @ <any> <clock>.<n> Received on "ORDERS.processed" with reply "$JS.ACK.ORDERS.REPLAY.1.102.1.<n>.0"
        order 1


        <clock> Subscribing on out.original""", stays='orig'),
    Seen("orig", """
        [#1] @ <any> <clock>.<n> Received on "ORDERS.processed" with reply "$JS.ACK.ORDERS.REPLAY.1.102.1.<n>.0"
        order 1


        <clock> Subscribing on out.original"""),
    Line("nats stream rm ORDERS -f", ""),
)


def test_orders(user: User) -> None:
    user.follow(LINES)
