"""Publish, subscribe, request and reply over core NATS, as separate processes."""

from __future__ import annotations

import base64
import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.support.deadline import wait_until


def test_a_message_arrives_with_headers_and_reply(cli: Cli) -> None:
    sub = cli.start("sub", "a.*", "--count", "1")
    sub.wait_for("Subscribing on a.*")
    done = cli.run("pub", "a.b", "hello", "-H", "X: 1", "-H", "X: 2", "--reply", "back")
    assert done.code == 0
    assert re.fullmatch(r'\d\d:\d\d:\d\d Published 5 bytes to "a.b"\n', done.err)
    seen = sub.finish()
    assert seen.code == 0
    assert seen.out == '[#1] Received on "a.b" with reply "back"\nX: 1\nX: 2\n\nhello\n\n\n'


def test_templates_give_each_message_its_own_subject_body_and_header(cli: Cli) -> None:
    sub = cli.start("sub", "t.*", "--count", "3")
    sub.wait_for("Subscribing on")
    arguments = ("pub", "t.{{Count}}", "n{{.Count}} {{Random 3 3}}", "-H", "N:{{Cnt}}")
    assert cli.run(*arguments, "--count", "3").code == 0
    seen = sub.finish().out
    for number in (1, 2, 3):
        assert re.search(rf'"t.{number}"\nN: {number}\n\nn{number} \w\w\w\n', seen)


def test_templates_can_be_switched_off_and_nothing_is_sent_for_a_bad_one(cli: Cli) -> None:
    sub = cli.start("sub", "raw", "--raw", "--count", "2")
    cli_ready = cli.start("sub", "raw", "--count", "2")
    cli_ready.wait_for("Subscribing on raw")
    # --raw prints no first line, so we see its start in the messages that it receives.
    while not sub.out() and sub.exit_code() is None:
        cli.run("req", "raw", "{{Count}}", "--no-templates", "--timeout", "300ms")
    done = cli.run("pub", "raw", "{{Nope}}")
    assert done.code == 1
    assert 'could not parse body template: function "Nope" not defined' in done.err
    cli.run("pub", "raw", "{{Nope}}", "--no-templates")
    assert set(sub.finish().out.split()) <= {"{{Count}}", "{{Nope}}"}


@pytest.mark.parametrize("subject", ["a.*", "a.>", "*"])
def test_wildcards_are_no_subjects_to_publish_to(cli: Cli, subject: str) -> None:
    for command in ("pub", "req"):
        done = cli.run(command, subject, "x")
        assert (done.code, done.out) == (1, "")
        assert "has wildcards" in done.err
    assert cli.run("pub", subject, "x", "--allow-wildcards").code == 0


@pytest.mark.parametrize(
    ("body", "raw", "exact"),
    [("x", "x\n", "x"), ("y\n", "y\n", "y\n"), ("z\n\n", "z\n\n", "z\n\n"), ("", "\n", "")],
)
def test_raw_bodies_are_lines_and_exact_ones_are_bytes(
    cli: Cli, body: str, raw: str, exact: str
) -> None:
    with_headers = cli.start("sub", "lines", "--count", "2")
    with_headers.wait_for("Subscribing on lines")
    reply = cli.start("reply", "bodies", "--echo")
    reply.wait_for("Listening on")
    assert cli.run("req", "bodies", "--raw", stdin=body).out == raw
    assert cli.run("req", "bodies", "--exact", stdin=body).out == exact
    reply.signal(signal.SIGINT)
    assert reply.finish().code == 130


def test_a_count_below_one_is_refused(cli: Cli) -> None:
    for count in ("0", "-1"):
        done = cli.run("pub", "a", "x", "--count", count)
        assert done.code == 1
        assert "--count: must be at least 1" in done.err


def test_plain_messages_and_others_are_shown_alike_and_in_order(cli: Cli) -> None:
    sub = cli.start("sub", "mixed", "--count", "5")
    sub.wait_for("Subscribing on mixed")
    cli.run("pub", "mixed", "n{{Count}}", "--count", "2")
    cli.run("pub", "mixed", "with", "-H", "A: b")
    cli.run("pub", "mixed", "", "--reply", "r")
    cli.run("pub", "mixed", "z\n")
    shown = sub.finish().out
    assert shown == (
        '[#1] Received on "mixed"\nn1\n\n\n[#2] Received on "mixed"\nn2\n\n\n'
        '[#3] Received on "mixed"\nA: b\n\nwith\n\n\n'
        '[#4] Received on "mixed" with reply "r"\nnil body\n\n\n[#5] Received on "mixed"\nz\n\n'
    )


def test_standard_input_is_one_message_or_one_for_each_line(cli: Cli) -> None:
    sub = cli.start("sub", "in", "--dump", "-", "--count", "5")
    probe = cli.start("sub", "in", "--count", "1")
    probe.wait_for("Subscribing on in")
    while not sub.out() and sub.exit_code() is None:
        cli.run("pub", "in", "probe", "-q")
    assert "Reading payload from STDIN" in cli.run("pub", "in", stdin="a\nb\n").err
    assert cli.run("pub", "in", "--send-on", "newline", stdin="one\r\n\ntwo").code == 0
    bodies = [
        base64.b64decode(json.loads(part)["Data"] or "")
        for part in sub.finish().out.split("\0")[:-1]
    ]
    probes = bodies.count(b"probe")  # more than one on a busy machine
    assert bodies[probes:] == [b"a\nb\n", b"one", b"", b"two"][: 5 - probes]


def test_binary_bodies_pass_untouched(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    sub = cli.start("sub", "bin.>", "--dump", str(folder), "--count", "1", "--inbox", "--trace")
    sub.wait_for(">>> Connected")
    data = bytes(range(256))
    reply = cli.start("reply", "ready", "x", "--count", "1")
    reply.wait_for("Listening")
    sub.wait_for("Subscribing on bin.>")
    assert cli.run("pub", "bin.a", stdin=data).code == 0
    assert sub.finish().code == 0
    saved = json.loads((folder / "1.json").read_text())
    assert base64.b64decode(saved["Data"]) == data
    assert saved["Subject"] == "bin.a"
    assert (folder / "1.json").stat().st_mode & 0o777 == 0o600


def test_quiet_prints_nothing(cli: Cli) -> None:
    done = cli.run("pub", "q", "x", "-q", "--count", "3")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_many_messages_arrive_complete(cli: Cli) -> None:
    sub = cli.start("sub", "many", "--count", "2000", "--subjects-only")
    sub.wait_for("Subscribing on many")
    assert cli.run("pub", "many", "{{Count}}", "--count", "2000").code == 0
    assert sub.finish().out.count("Received on") == 2000


def test_queue_members_share_the_messages(cli: Cli) -> None:
    members = [cli.start("sub", "work", "--queue", "q") for _ in range(2)]
    for member in members:
        member.wait_for("Subscribing on work")
    assert cli.run("pub", "work", "x", "--count", "20").code == 0
    wait_until(
        lambda: sum(member.out().count("Received on") for member in members) >= 20, "20 messages"
    )
    for member in members:
        member.signal(signal.SIGINT)
    assert sum(member.finish().out.count("Received on") for member in members) == 20


def test_ignored_subjects_do_not_count(cli: Cli) -> None:
    sub = cli.start("sub", "i.>", "-I", "i.a,i.b.*", "--count", "1")
    sub.wait_for("Ignored subjects: i.a, i.b.*")
    for subject in ("i.a", "i.b.c", "i.d"):
        assert cli.run("pub", subject, "x").code == 0
    assert '[#1] Received on "i.d"' in sub.finish().out


def test_headers_only_and_subjects_only_show_no_bodies(cli: Cli) -> None:
    subs = [
        cli.start("sub", "h", flag, "--count", "1")
        for flag in ("--headers-only", "--subjects-only")
    ]
    for sub in subs:
        sub.wait_for("Subscribing on h")
    cli.run("pub", "h", "the body", "-H", "A: b")
    headers, subjects = (sub.finish().out for sub in subs)
    assert headers == '[#1] Received on "h"\nA: b\n\n'
    assert subjects == '[#1] Received on "h"\n'


def test_times_can_be_shown(cli: Cli) -> None:
    subs = [cli.start("sub", "time", flag, "--count", "1") for flag in ("-t", "-d")]
    for sub in subs:
        sub.wait_for("Subscribing on time")
    cli.run("pub", "time", "x")
    stamp, delta = (sub.finish().out for sub in subs)
    assert re.match(r"\[#1\] @ [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{6} Received on", stamp)
    assert re.match(r"\[#1\] @ [\d.]+(µs|ms|s) Received on", delta)


def test_bodies_can_be_translated(cli: Cli) -> None:
    sub = cli.start("sub", "tr", "--translate", "sed s/^/{{Subject}}:/", "--count", "1")
    sub.wait_for("Subscribing on tr")
    cli.run("pub", "tr", "x")
    assert "tr:x\n" in sub.finish().out


def test_replies_are_matched_to_their_requests(cli: Cli) -> None:
    reply = cli.start("reply", "m.svc", "pong", "--count", "1")
    reply.wait_for("Listening on")
    sub = cli.start("sub", "m.>", "--match-replies", "--count", "1")
    sub.wait_for("Subscribing on m.>")
    assert cli.run("req", "m.svc", "ping").code == 0
    seen = sub.finish().out
    assert '[#1] Received on "m.svc" with reply "_INBOX.' in seen
    assert re.search(r'ping\n.*Matched reply on "_INBOX\..*\npong\n', seen, re.DOTALL)


def test_silence_ends_a_subscription(cli: Cli) -> None:
    done = cli.run("sub", "nothing", "--wait", "100ms")
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize(
    ("ended_by", "code"), [(None, 0), (signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_report_counts_subjects(cli: Cli, ended_by: signal.Signals | None, code: int) -> None:
    count = "1000" if ended_by else "34"
    sub = cli.start("sub", "r.*", "--report-subjects", "--report-top", "2", "--count", count)
    sub.wait_for("Subscribing on r.*")
    for subject, number in (("r.a", "3"), ("r.b", "30"), ("r.c", "1")):
        assert cli.run("pub", subject, "12345", "--count", number).code == 0
    if ended_by:
        assert sub.out() == ""
        sub.signal(ended_by)
    done = sub.finish()
    assert done.code == code
    assert "\x1b" not in done.out
    assert done.out.count("Top 2 Active Subjects Report") == 1
    if not ended_by:
        assert re.search(r"r\.b +│ +30 +│ 150 B", done.out)


def test_a_request_gets_its_reply(cli: Cli) -> None:
    reply = cli.start("reply", "svc", "you said {{Request}}", "-H", "A: 1", "--count", "2")
    reply.wait_for('Listening on "svc" in group "NATS-RPLY-22"')
    done = cli.run("req", "svc", "hi")
    assert done.out == "you said hi\n\n\n"
    assert re.search(r'Sending request on "svc"\n.*Received with rtt .*s\n.*A: 1\n', done.err)
    raw = cli.run("request", "svc", "ho", "--raw")
    assert (raw.out, raw.err) == ("you said ho\n", "")
    served = reply.finish()
    assert served.code == 0
    assert '[#0] Received on subject "svc":' in served.err


def test_an_echo_adds_its_counter_and_keeps_headers(cli: Cli) -> None:
    reply = cli.start("reply", "echo")
    reply.wait_for("Listening on")
    assert "No body or command supplied, enabling echo mode" in reply.err()
    cli.run("req", "echo", "a")
    done = cli.run("req", "echo", "b", "-H", "X: 1", "-H", "X: 2")
    lines = [line[9:] for line in done.err.splitlines()]
    assert lines[2:5] == ["X: 1", "X: 2", "NATS-Reply-Counter: 1"]
    reply.signal(signal.SIGINT)
    served = reply.finish()
    assert served.code == 130
    assert "Draining..." in served.err


def test_a_command_answers_with_tokens_and_environment(cli: Cli) -> None:
    script = 'sh -c "echo $0 {{1}} $NATS_REQUEST_SUBJECT $NATS_REQUEST_BODY" {{Request}}'
    reply = cli.start("reply", "weather.*", "--command", script, "--count", "2")
    reply.wait_for("Listening on")
    assert cli.run("req", "weather.london", "hi", "-r").out == "hi london weather.london hi\n"
    refused = cli.run("req", "weather.$(id)", "hi")
    assert "Nats-Service-Error: command failed: what is filled in" in refused.err
    reply.finish()


def test_several_replies_are_awaited(cli: Cli) -> None:
    replies = [cli.start("reply", "all", str(number), "-q", f"q{number}") for number in range(3)]
    for reply in replies:
        reply.wait_for("Listening on")
    three = cli.run("req", "all", "x", "--replies", "3", "-r")
    assert sorted(three.out.split()) == ["0", "1", "2"]
    until_timeout = cli.run("req", "all", "x", "--replies", "0", "-r", "--timeout", "2s")
    assert sorted(until_timeout.out.split()) == ["0", "1", "2"]


def test_nobody_to_answer_is_said(cli: Cli) -> None:
    done = cli.run("req", "nobody", "x")
    assert (done.code, done.out) == (1, "")
    assert "No responders are available" in done.err
    assert cli.run("req", "nobody", "x", "--allow-no-reply").code == 0


def test_a_silent_service_is_an_error_and_missing_replies_are_said(cli: Cli) -> None:
    silent = cli.start("sub", "silent")
    silent.wait_for("Subscribing on silent")
    done = cli.run("req", "silent", "x", "--timeout", "100ms")
    assert (done.code, done.out) == (1, "")
    assert "No replies were received" in done.err
    reply = cli.start("reply", "few", "yes")
    reply.wait_for("Listening on")
    done = cli.run("req", "few", "x", "--replies", "2", "--raw")
    assert (done.code, done.out) == (0, "yes\n")
    assert "Received 1 of 2 replies" in done.err


def test_a_command_that_fails_is_told_in_the_headers_of_services(cli: Cli) -> None:
    reply = cli.start("reply", "broken", "--command", "sh -c 'echo half; exit 3'")
    reply.wait_for("Listening on")
    done = cli.run("req", "broken", "x")
    assert "Nats-Service-Error-Code: 500" in done.err
    assert "Nats-Service-Error: command failed: exit status 3" in done.err
    assert done.out.startswith("half\n")


def test_an_interrupted_subscription_ends_without_a_traceback(cli: Cli) -> None:
    sub = cli.start("sub", "int")
    sub.wait_for("Subscribing on int")
    sub.signal(signal.SIGINT)
    done = sub.finish()
    assert done.code == 130
    assert "Traceback" not in done.err


def test_rtt_measures_every_address(cli: Cli) -> None:
    url = cli.environment["NATS_URL"]
    done = cli.run("rtt", "2")
    assert re.fullmatch(rf"{url}:\n\n   {url}: \d+(µs|ms)\n", done.out)
    [target] = json.loads(cli.run("rtt", "--json").out)
    assert target["url"] == url
    assert target["results"][0]["address"] == url
    assert target["results"][0]["rtt"] > 0
    assert re.fullmatch(
        r"[\d-]+T[\d:]+\.\d+(Z|[+-](?!00:00)\d\d:\d\d)", target["results"][0]["time"]
    )


@pytest.mark.parametrize("subject", ["", "a b", "a..b", "a.", ".a"])
def test_bad_subjects_are_refused_in_one_line(cli: Cli, subject: str) -> None:
    for command in (("pub", subject, "x"), ("sub", subject, "--wait", "1ms")):
        done = cli.run(*command)
        assert done.code == 1
        assert re.search(r"^pynats: error: .+", done.err, re.MULTILINE)
        assert "Traceback" not in done.err
