"""`pynats reply`: commands that no shell runs, several members, and how it ends."""

from __future__ import annotations

import signal

from tests.cli.conftest import Cli


def test_a_command_is_split_like_a_shell_does_but_run_by_none(cli: Cli) -> None:
    """And SIGTERM ends it as such, when what was asked is answered."""
    command = "echo {{0}} {{2}} 'two  words' $HOME ; echo a | cat > file"
    reply = cli.start("reply", "no.*.shell", "--command", command)
    reply.wait_for("Listening on")
    done = cli.run("req", "no.a.shell", "x", "--raw")
    assert done.out == "no shell two  words $HOME ; echo a | cat > file\n"
    reply.signal(signal.SIGTERM)
    ended = reply.finish()
    assert ended.code == -signal.SIGTERM
    assert ended.err.endswith("Exiting\n")


def test_an_interrupt_waits_for_the_answer_in_hand(cli: Cli) -> None:
    gate = cli.home / "gate"
    command = f"sh -c 'until test -e {gate}; do sleep 0.02; done; echo late'"
    reply = cli.start("reply", "drained", "--command", command)
    reply.wait_for("Listening on")
    asking = cli.start("req", "drained", "x", "--raw")
    reply.wait_for("[#0] Received on subject")
    reply.signal(signal.SIGINT)
    reply.wait_for("Draining...")
    gate.touch()
    assert asking.finish().out == "late\n"
    ended = reply.finish()
    assert ended.code == 130
    assert [line[9:] for line in ended.err.splitlines()][-2:] == ["Draining...", "Exiting"]


def test_members_of_the_usual_group_share_the_requests(cli: Cli) -> None:
    """And an echo without body or command has a counter from 0 and the headers of its request."""
    members = [cli.start("reply", "shared") for _ in range(2)]
    for member in members:
        member.wait_for('Listening on "shared" in group "NATS-RPLY-22"')
    more = ("-H", "X: 1", "--replies", "2", "--reply-timeout", "50ms", "--timeout", "1m")
    done = cli.run("req", "shared", "hello", *more)
    assert done.out == "hello\n\n\n"
    assert "X: 1" in done.err
    assert "NATS-Reply-Counter: 0" in done.err
    assert done.err.endswith("Received 1 of 2 replies\n")
    received = sum("Received on subject" in member.err() for member in members)
    assert received == 1
