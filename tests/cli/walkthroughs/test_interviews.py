"""Streams and consumers by questions, at a terminal."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from tests.cli.preloading import preload
from tests.cli.terminal import DOWN
from tests.cli.walkthroughs.lines import Line, User

preload("stream", "consumer", also=("pynats_common.commandline.menu",))

RETURN = "\r"


def returns(*questions: str) -> tuple[tuple[str, str], ...]:
    """Each of the questions is answered with Return."""
    return tuple((question, RETURN) for question in questions)


STREAM = returns(
    "? Storage", "? Replication (1)", "? Retention Policy", "? Discard Policy",
    "? Stream Messages Limit (-1)", "? Per Subject Messages Limit (-1)", "? Total Stream Size (-1)",
    "? Message TTL (-1)", "? Max Message Size (-1)", "? Duplicate tracking time window (2m0s)",
    "? Allow message Roll-ups (y/N)", "? Allow message deletion (Y/n)",
    "? Allow purging subjects or the entire stream (Y/n)",
)
PULL = returns(
    "? Delivery target (empty for Pull Consumers)", "? Start policy (all, new, last, subject, 1h, msg sequence) (all)",
    "? Acknowledgment policy", "? Replay policy", "? Filter Stream by subjects (blank for all)",
    "? Maximum Allowed Deliveries (-1)", "? Maximum Acknowledgments Pending (0)",
    "? Deliver headers only without bodies (y/N)", "? Add a Retry Backoff Policy (y/N)",
)
FLAGS = "--storage memory --replicas 1 --retention limits --discard old --max-msgs=-1 --max-msgs-per-subject=-1 --max-bytes=-1 --max-age=-1 --max-msg-size=-1 --dupe-window 2m --no-allow-rollup --no-deny-delete --no-deny-purge"

LINES = (
    Line("nats stream add my_stream", """
        ? Subjects foo
        ? Storage file
        ? Replication 1
        ? Retention Policy Limits
        ? Discard Policy Old
        ? Stream Messages Limit -1
        ? Per Subject Messages Limit -1
        ? Total Stream Size -1
        ? Message TTL -1
        ? Max Message Size -1
        ? Duplicate tracking time window 2m0s
        ? Allow message Roll-ups No
        ? Allow message deletion Yes
        ? Allow purging subjects or the entire stream Yes
        Stream my_stream was created

        Information for Stream my_stream created <time>

                             Subjects: foo
                             Replicas: 1
                              Storage: File
        ...
                    Allows Msg Delete: true
        ...""", answers=(("? Subjects", "foo\r"), *STREAM)),
    Line("nats consumer add", """
        ? Select a Stream my_stream
        ? Consumer name pull_consumer
        ? Delivery target (empty for Pull Consumers)
        ? Start policy (all, new, last, subject, 1h, msg sequence) all
        ? Acknowledgment policy explicit
        ? Replay policy instant
        ? Filter Stream by subjects (blank for all)
        ? Maximum Allowed Deliveries -1
        ? Maximum Acknowledgments Pending 0
        ? Deliver headers only without bodies No
        ? Add a Retry Backoff Policy No
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
        ...""", answers=(("? Select a Stream", "my\r"), ("? Consumer name", "pull_consumer\r"), *PULL),
        note="the documentation asks for the stream last"),
    Line("nats consumer add my_stream push_consumer", """
        ? Delivery target (empty for Pull Consumers) to.me
        ? Delivery Queue Group workers
        ? Start policy (all, new, last, subject, 1h, msg sequence) 1h
        ? Acknowledgment policy all
        ? Replay policy original
        ? Filter Stream by subjects (blank for all) foo
        ? Maximum Allowed Deliveries 30
        ? Maximum Acknowledgments Pending 7
        ? Idle Heartbeat 5s
        ? Enable Flow Control, ie --flow-control Yes
        ? Deliver headers only without bodies Yes
        ? Add a Retry Backoff Policy Yes
        ? Backoff policy linear
        ? Minimum retry time 1m
        ? Maximum retry time 10m
        ? Number of steps to generate in the policy 20
        Information for Consumer my_stream > push_consumer created <time>

        Configuration:

                            Name: push_consumer
                Delivery Subject: to.me
                  Filter Subject: foo
        ...""", answers=(
            ("? Delivery target", "to.me\r"), ("? Delivery Queue Group", "workers\r"), ("? Start policy", "1h\r"),
            ("? Acknowledgment policy", "all\r"), ("? Replay policy", DOWN + RETURN), ("? Filter Stream", "foo\r"),
            ("? Maximum Allowed", "30\r"), ("? Maximum Ack", "7\r"), ("? Idle Heartbeat (0s)", "5s\r"),
            ("--flow-control (y/N)", "y\r"), ("bodies (y/N)", "yes\r"), ("Backoff Policy (y/N)", "Y\r"), ("? Backoff policy", "lin\r"),
            *returns("? Minimum retry time (1m)", "? Maximum retry time (10m)", "policy (20)"))),
    Line(f"nats stream add copy --mirror my_stream {FLAGS}", """
        ? Configure a custom durable consumer No
        ? Adjust mirror start Yes
        ? Mirror Start Sequence 0
        ? Mirror Start Time (YYYY:MM:DD HH:MM:SS)
        ? Adjust mirror filter and transform Yes
        ? Filter mirror by subject (hit enter to finish) foo
        ? Subject transform destination bar
        ? Filter mirror by subject (hit enter to finish)
        ? Import mirror from a different JetStream domain No
        ? Import mirror from a different account No
        Stream copy was created
        ...
                                Mirror: my_stream

        Mirror Information:

                           Stream Name: my_stream
          Subject Filter and Transform: foo to bar
        ...""", answers=(
            ("durable consumer (y/N)", RETURN), ("? Adjust mirror start (y/N)", "y\r"), ("Start Sequence (0)", RETURN), ("? Mirror Start Time", RETURN),
            ("and transform (y/N)", "y\r"), ("? Filter mirror", "foo\r"), ("destination", "bar\r"), ("? Filter mirror", RETURN),
            ("domain (y/N)", RETURN), ("account (y/N)", RETURN))),
    Line(f"nats stream add both --source my_stream --source away {FLAGS}", """
        ? Configure a custom durable consumer for "my_stream" No
        ? Adjust source "my_stream" start No
        ? Adjust source "my_stream" filter and transform No
        ? Import "my_stream" from a different JetStream domain Yes
        ? my_stream Source foreign JetStream domain name hub
        ? my_stream Source foreign JetStream domain delivery prefix dlv
        ? Configure a custom durable consumer for "away" Yes
        ? Durable consumer name dur
        ? Delivery subject dlv.x
        ? Adjust source "away" filter and transform No
        ? Import "away" from a different JetStream domain No
        ? Import "away" from a different account Yes
        ? away Source foreign account API prefix $JS.away.API
        Stream both was created
        ...""", answers=(
            *returns("(y/N)", "(y/N)", "(y/N)"), ("domain (y/N)", "y\r"), ("domain name", "hub\r"), ("delivery prefix", "dlv\r"),
            ("(y/N)", "y\r"), ("consumer name", "dur\r"), ("Delivery subject", "dlv.x\r"), *returns("transform (y/N)", "domain (y/N)"),
            ("account (y/N)", "y\r"), ("API prefix", "$JS.away.API\r"))),
)


def test_interviews(user: User) -> None:
    user.follow(LINES)
