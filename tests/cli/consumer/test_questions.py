"""Consumers at a terminal: questions, menus and confirmations."""

from __future__ import annotations

import pytest

from tests.cli.consumer.conftest import Stage
from tests.cli.terminal import Terminal


def test_all_questions_about_a_pull_consumer(stage: Stage) -> None:
    screen = Terminal(stage.cli, "consumer", "add", stage.stream)
    screen.answer("Consumer name", "PULL\r")
    screen.answer("Delivery target (empty for Pull Consumers)", "\r")
    screen.answer("Start policy (all, new, last, subject, 1h, msg sequence) (all)", "\r")
    screen.answer("Acknowledgment policy", "\r")
    screen.answer("Replay policy", "\r")
    screen.answer("Filter Stream by subjects (blank for all)", "\r")
    screen.answer("Maximum Allowed Deliveries (-1)", "\r")
    screen.answer("Maximum Acknowledgments Pending (0)", "\r")
    screen.answer("Deliver headers only without bodies", "\r")
    screen.answer("Add a Retry Backoff Policy", "\r")
    screen.read_until("Waiting Pulls: 0 of maximum 512")
    assert screen.finish() == 0
    config = stage.info("PULL")["config"]
    assert (config["ack_policy"], config["replay_policy"]) == ("explicit", "instant")
    assert "backoff" not in config and "filter_subject" not in config


def test_questions_about_a_push_consumer(stage: Stage) -> None:
    screen = Terminal(stage.cli, "consumer", "add", stage.stream, "PUSH")
    screen.answer("Delivery target", "to.me\r")
    screen.answer("Delivery Queue Group", "g1\r")
    screen.answer("Start policy", "5\r")
    screen.answer("Acknowledgment policy", "\r")
    screen.answer("Replay policy", "orig\r")
    screen.answer("Filter Stream", f"{stage.stream}.a {stage.stream}.b\r")
    screen.answer("Idle Heartbeat (0s)", "5s\r")
    screen.answer("Enable Flow Control", "y\r")
    screen.answer("Deliver headers only", "y\r")
    assert screen.finish() == 0
    config = stage.info("PUSH")["config"]
    assert (config["deliver_subject"], config["deliver_group"]) == ("to.me", "g1")
    assert (config["ack_policy"], config["replay_policy"]) == ("none", "original")
    assert config["flow_control"] and config["headers_only"] and config["opt_start_seq"] == 5
    assert len(config["filter_subjects"]) == 2


def test_a_backoff_by_questions(stage: Stage) -> None:
    screen = Terminal(
        stage.cli, "consumer", "add", stage.stream, "C", "--pull", "--deliver", "all", "--ack",
        "all", "--replay", "instant", "--filter", "", "--max-pending", "9", "--no-headers-only",
    )  # fmt: skip
    screen.answer("Maximum Allowed Deliveries", "\r")
    screen.answer("Add a Retry Backoff Policy", "y\r")
    screen.answer("Backoff policy", "linear\r")
    screen.answer("Minimum retry time (1m)", "\r")
    screen.answer("Maximum retry time (10m)", "\r")
    screen.answer("Number of steps to generate in the policy (20)", "3\r")
    screen.read_until("Backoff: 1m0s, 4m0s, 7m0s")
    assert screen.finish() == 0
    assert stage.info("C")["config"]["max_deliver"] == 4


def test_a_wrong_answer_is_asked_again(stage: Stage) -> None:
    screen = Terminal(stage.cli, "consumer", "add", stage.stream, "--pull")
    screen.answer("Consumer name", "a.b\r")
    screen.read_until("durable name can not contain '.', '*', '>'")
    screen.answer("Consumer name", "C\r")
    screen.answer("Start policy", "bogus\r")
    screen.answer("Start policy", "\r")
    screen.answer("Acknowledgment policy", "\x03")
    assert screen.finish() == 130
    assert stage.done("ls", "S", "--names") == ""


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 1)])
def test_ctrl_c_and_ctrl_d_end_a_question(stage: Stage, key: str, code: int) -> None:
    screen = Terminal(stage.cli, "consumer", "add", stage.stream)
    screen.answer("Consumer name", key)
    assert screen.finish() == code
    assert "Traceback" not in screen.all


def test_a_no_is_said_and_changes_nothing(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    screen = Terminal(stage.cli, "consumer", "rm", stage.stream, "C")
    screen.answer(f"Really delete Consumer {stage.stream} > C", "\r")
    screen.read_until("not removed")
    assert screen.finish() == 0
    screen = Terminal(stage.cli, "consumer", "rm", stage.stream)
    screen.answer("Select a Consumer", "\r")
    screen.answer(f"Really delete Consumer {stage.stream} > C", "y\r")
    assert screen.finish() == 0
    assert stage.done("ls", "S", "--names") == ""


def test_a_given_name_is_never_replaced_by_a_menu(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    screen = Terminal(stage.cli, "consumer", "info", stage.stream, "nope")
    screen.read_until(f'unknown consumer "{stage.stream}" > "nope"')
    assert screen.finish() == 1


def test_pause_asks_until_when(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    screen = Terminal(stage.cli, "consumer", "pause", stage.stream, "C")
    screen.answer("Pause until (time or duration)", "2h\r")
    screen.answer(f"Really pause Consumer {stage.stream} > C until 2", "y\r")
    screen.read_until("(2h0m0s)")
    assert screen.finish() == 0


def test_the_graph_is_drawn_until_ctrl_c(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    screen = Terminal(stage.cli, "consumer", "graph", stage.stream, "C")
    screen.read_until(f"Consumer Statistics for {stage.stream} > C")
    screen.read_until("Messages Delivered / second")
    screen.interrupt()
    assert screen.finish() == 130
