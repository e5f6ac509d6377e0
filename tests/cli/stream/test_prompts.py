"""Questions of `pynats stream` at a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Cli
from tests.cli.terminal import DOWN, ENTER, Terminal

Run = Callable[..., str]
Json = Callable[..., Any]
ADD = (
    "Storage", "Replication", "Retention Policy", "Discard Policy", "Stream Messages Limit",
    "Per Subject Messages Limit", "Total Stream Size", "Message TTL", "Max Message Size",
    "Duplicate tracking time window", "Allow message Roll-ups", "Allow message deletion",
    "Allow purging subjects or the entire stream",
)  # fmt: skip


def test_add_asks_in_order_and_takes_returns(stream_cli: Cli, read: Json, name: str) -> None:
    terminal = Terminal(stream_cli, "stream", "add")
    terminal.answer("Stream Name", f"{name}\n")
    terminal.answer("Subjects", f"{name}.>\n")
    for question in ADD:
        terminal.answer(question, ENTER)
    terminal.read_until(f"Stream {name} was created")
    assert terminal.finish() == 0
    config = read("info", name)["config"]
    assert config["subjects"] == [f"{name}.>"] and config["duplicate_window"] == 120 * 10**9
    assert (config["storage"], config["retention"], config["discard"]) == ("file", "limits", "old")
    assert config["allow_direct"] is True and config["deny_purge"] is False


def test_answers_of_add_are_used_and_wrong_ones_asked_again(
    stream_cli: Cli, read: Json, name: str
) -> None:
    terminal = Terminal(stream_cli, "stream", "add", name, "--subjects", name)
    for question, keys in zip(
        ADD, ("mem" + ENTER, "1\n", DOWN + DOWN + ENTER, "new" + ENTER, "many\n"), strict=False
    ):
        terminal.answer(question, keys)
    terminal.answer("must be a number", "5\n")
    for question, keys in zip(
        ADD[5:], ("6\n", "1k\n", "1h\n", "10\n", "5m\n", "y\n", "n\n", "\n"), strict=True
    ):
        terminal.answer(question, keys)
    assert terminal.finish() == 0, terminal.all
    config = read("info", name)["config"]
    wanted = {
        "storage": "memory", "retention": "workqueue", "discard": "new", "max_msgs": 5,
        "max_msgs_per_subject": 6, "max_bytes": 1024, "max_age": 3600 * 10**9, "max_msg_size": 10,
        "duplicate_window": 300 * 10**9, "allow_rollup_hdrs": True, "deny_delete": True,
        "deny_purge": False,
    }  # fmt: skip
    assert {key: config[key] for key in wanted} == wanted


SET = (
    "--storage", "memory", "--replicas", "1", "--retention", "limits", "--discard", "old",
    "--max-msgs=-1", "--max-bytes=-1", "--max-age=-1", "--max-msg-size=-1", "--dupe-window", "2m",
    "--no-allow-rollup", "--no-deny-delete", "--no-deny-purge",
)  # fmt: skip


def test_questions_about_a_mirror(stream_cli: Cli, read: Json, made: str) -> None:
    mirror = f"{made}_m"
    terminal = Terminal(stream_cli, "stream", "add", mirror, "--mirror", made, *SET)
    terminal.answer("Configure a custom durable consumer", "n\n")
    terminal.answer("Adjust mirror start", "y\n")
    terminal.answer("Mirror Start Sequence", "0\n")
    terminal.answer("Mirror Start Time", "yesterday\n")
    terminal.answer("invalid time format", "2026:01:02 03:04:05\n")
    terminal.answer("Adjust mirror filter and transform", "y\n")
    terminal.answer("Filter mirror by subject", f"{made}.a\n")
    terminal.answer("Subject transform destination", "b\n")
    terminal.answer("Filter mirror by subject", "\n")
    terminal.answer("Import mirror from a different JetStream domain", "\n")
    terminal.answer("Import mirror from a different account", "\n")
    assert terminal.finish() == 0, terminal.all
    origin = read("info", mirror)["config"]["mirror"]
    assert origin == {
        "name": made, "opt_start_time": "2026-01-02T03:04:05Z",
        "subject_transforms": [{"src": f"{made}.a", "dest": "b"}],
    }  # fmt: skip


def test_questions_about_sources(stream_cli: Cli, read: Json, made: str) -> None:
    stream = f"{made}_s"
    terminal = Terminal(
        stream_cli, "stream", "add", stream, "--source", made, "--source", "away", *SET
    )
    terminal.answer(f'Configure a custom durable consumer for "{made}"', "n\n")
    terminal.answer(f'Adjust source "{made}" start', "y\n")
    terminal.answer(f"{made} Source Start Sequence", "4\n")
    terminal.answer(f'Adjust source "{made}" filter and transform', "n\n")
    terminal.answer(f'Import "{made}" from a different JetStream domain', "n\n")
    terminal.answer(f'Import "{made}" from a different account', "n\n")
    terminal.answer('Configure a custom durable consumer for "away"', "n\n")
    terminal.answer('Adjust source "away" start', "n\n")
    terminal.answer('Adjust source "away" filter and transform', "n\n")
    terminal.answer('Import "away" from a different JetStream domain', "y\n")
    terminal.answer("away Source foreign JetStream domain name", "hub\n")
    terminal.answer("away Source foreign JetStream domain delivery prefix", "dlv\n")
    assert terminal.finish() == 0, terminal.all
    first, second = read("info", stream)["config"]["sources"]
    assert (first["name"], first["opt_start_seq"]) == (made, 4)
    assert second["external"] == {"api": "$JS.hub.API", "deliver": "dlv"}


def test_a_no_changes_nothing_and_says_so(stream_cli: Cli, run: Run, filled: str) -> None:
    for arguments, question, said in (
        (("rm", filled), f"Really delete Stream {filled}", "not removed"),
        (("purge", filled), f"Really purge Stream {filled}", "nothing was purged"),
        (("rmm", filled, "1"), f"Really remove message 1 from Stream {filled}", "not removed"),
        (("seal", filled), f"Really seal Stream {filled}", "not sealed"),
        (("edit", filled, "--max-msgs", "9"), f"Really edit Stream {filled}", "not changed"),
    ):
        terminal = Terminal(stream_cli, "stream", *arguments)
        terminal.answer(question, "\n")
        terminal.read_until(said)
        assert terminal.finish() == 0
    assert "Messages: 4\n" in run("state", filled)


def test_editing_the_stream_of_a_bucket_is_asked_about_twice(
    stream_cli: Cli, run: Run, read: Json, name: str
) -> None:
    stream = f"KV_{name}"
    run("add", stream, "--subjects", f"$KV.{name}.>", "--defaults")
    for answer, code in (("n\n", 1), ("y\n", 0)):
        terminal = Terminal(stream_cli, "stream", "edit", stream, "--max-msgs", "7")
        terminal.answer("Really operate on the KV stream?", answer)
        if code == 0:
            terminal.answer(f"Really edit Stream {stream}", "y\n")
        assert terminal.finish() == code, terminal.all
    assert read("info", stream)["config"]["max_msgs"] == 7


def test_a_yes_acts(stream_cli: Cli, fails: Run, made: str) -> None:
    terminal = Terminal(stream_cli, "stream", "rm", made)
    terminal.answer("Really delete Stream", "y\n")
    assert terminal.finish() == 0
    assert "not found" in fails("info", made)


def test_a_stream_is_picked_from_a_menu(stream_cli: Cli, made: str) -> None:
    terminal = Terminal(stream_cli, "stream", "state")
    terminal.answer("Select a Stream", made)
    terminal.answer(f"❯ {made}\n", ENTER)
    terminal.read_until(f"State for Stream {made} created")
    assert terminal.finish() == 0


def test_an_unknown_name_is_no_menu_at_a_terminal(stream_cli: Cli) -> None:
    terminal = Terminal(stream_cli, "stream", "info", "nope")
    terminal.read_until('stream "nope" not found')
    assert terminal.finish() == 1


def test_the_pager_stops_at_pages(stream_cli: Cli, filled: str) -> None:
    terminal = Terminal(stream_cli, "stream", "view", filled, "2")
    terminal.read_until("[2] Subject")
    terminal.answer("Next Page?", "\n")
    terminal.read_until("[4] Subject")
    terminal.read_until("Reached apparent end of data")
    assert terminal.finish() == 0
    terminal = Terminal(stream_cli, "stream", "view", filled, "2", "--raw")
    terminal.answer("Next Page?", "n\n")
    assert terminal.finish() == 0 and "m3" not in terminal.all


def test_get_asks_for_the_message(stream_cli: Cli, filled: str) -> None:
    terminal = Terminal(stream_cli, "stream", "get", filled)
    terminal.answer("Message Sequence to retrieve", "\n")
    terminal.answer("Subject to retrieve last message for", f"{filled}.a\n")
    terminal.read_until(f"Item: {filled}#3 received")
    assert terminal.finish() == 0


def test_a_graph_is_drawn_until_it_is_interrupted(stream_cli: Cli, filled: str) -> None:
    terminal = Terminal(stream_cli, "stream", "graph", filled)
    terminal.read_until(f"Stream Statistics for {filled}")
    terminal.read_until("Messages Stored / second")
    terminal.interrupt()
    assert terminal.finish() == 130
    small = Terminal(stream_cli, "stream", "graph", filled, lines=5, columns=18)
    assert small.finish() == 1 and "increase terminal dimensions" in small.all
