"""Consumers at a terminal: questions, menus and confirmations."""

from __future__ import annotations

from tests.cli.consumer.conftest import Stage
from tests.cli.terminal import at_terminal


def test_all_questions_about_a_pull_consumer(stage: Stage) -> None:
    with at_terminal(stage.cli, "consumer", "add", stage.stream) as screen:
        screen.answer("Consumer name", "PULL")
        screen.answer("Delivery target (empty for Pull Consumers)")
        screen.answer("Start policy (all, new, last, subject, 1h, msg sequence) [all]")
        screen.answer("Acknowledgment policy")
        screen.answer("Replay policy")
        screen.answer("Filter Stream by subjects (blank for all)")
        screen.answer("Maximum Allowed Deliveries [-1]")
        screen.answer("Maximum Acknowledgments Pending [0]")
        screen.answer("Deliver headers only without bodies")
        screen.answer("Add a Retry Backoff Policy")
        screen.wait_for("Waiting Pulls: 0 of maximum 512")
        assert screen.finish() == 0
    config = stage.info("PULL")["config"]
    assert (config["ack_policy"], config["replay_policy"]) == ("explicit", "instant")
    assert "backoff" not in config and "filter_subject" not in config


def test_questions_about_a_push_consumer(stage: Stage) -> None:
    with at_terminal(stage.cli, "consumer", "add", stage.stream, "PUSH") as screen:
        screen.answer("Delivery target", "to.me")
        screen.answer("Delivery Queue Group", "g1")
        screen.answer("Start policy", "5")
        screen.answer("Acknowledgment policy")
        screen.answer("Replay policy", "orig")
        screen.answer("Filter Stream", f"{stage.stream}.a {stage.stream}.b")
        screen.answer("Idle Heartbeat [0s]", "5s")
        screen.answer("Enable Flow Control", "y")
        screen.answer("Deliver headers only", "y")
        assert screen.finish() == 0
    config = stage.info("PUSH")["config"]
    assert (config["deliver_subject"], config["deliver_group"]) == ("to.me", "g1")
    assert (config["ack_policy"], config["replay_policy"]) == ("none", "original")
    assert config["flow_control"] and config["headers_only"] and config["opt_start_seq"] == 5
    assert len(config["filter_subjects"]) == 2


def test_a_backoff_by_questions(stage: Stage) -> None:
    with at_terminal(
        stage.cli, "consumer", "add", stage.stream, "C", "--pull", "--deliver", "all", "--ack",
        "all", "--replay", "instant", "--filter", "", "--max-pending", "9", "--no-headers-only",
    ) as screen:  # fmt: skip
        screen.answer("Maximum Allowed Deliveries")
        screen.answer("Add a Retry Backoff Policy", "y")
        screen.answer("Backoff policy", "linear")
        screen.answer("Minimum retry time [1m]")
        screen.answer("Maximum retry time [10m]")
        screen.answer("Number of steps to generate in the policy [20]", "3")
        screen.wait_for("Backoff: 1m0s, 4m0s, 7m0s")
        assert screen.finish() == 0
    assert stage.info("C")["config"]["max_deliver"] == 4


def test_a_wrong_answer_is_asked_again(stage: Stage) -> None:
    with at_terminal(stage.cli, "consumer", "add", stage.stream, "--pull") as screen:
        screen.answer("Consumer name", "a.b")
        screen.wait_for("durable name can not contain '.', '*', '>'")
        screen.answer("Consumer name", "C")
        screen.answer("Start policy", "bogus")
        screen.answer("Start policy")
        screen.wait_for("Acknowledgment policy")
        screen.interrupt()
        assert screen.finish() in (1, 130)
    assert stage.done("ls", "S", "--names") == ""


def test_a_no_is_said_and_changes_nothing(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    with at_terminal(stage.cli, "consumer", "rm", stage.stream, "C") as screen:
        screen.answer(f"Really delete Consumer {stage.stream} > C")
        screen.wait_for("not removed")
        assert screen.finish() == 0
    with at_terminal(stage.cli, "consumer", "rm", stage.stream) as screen:
        screen.answer("Select a Consumer")
        screen.answer(f"Really delete Consumer {stage.stream} > C", "y")
        assert screen.finish() == 0
    assert stage.done("ls", "S", "--names") == ""


def test_a_given_name_is_never_replaced_by_a_menu(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    with at_terminal(stage.cli, "consumer", "info", stage.stream, "nope") as screen:
        screen.wait_for(f'unknown consumer "{stage.stream}" > "nope"')
        assert screen.finish() == 1


def test_pause_asks_until_when(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    with at_terminal(stage.cli, "consumer", "pause", stage.stream, "C") as screen:
        screen.answer("Pause until (time or duration)", "2h")
        screen.answer(f"Really pause Consumer {stage.stream} > C until 2", "y")
        screen.wait_for("(2h0m0s)")
        assert screen.finish() == 0


def test_the_graph_is_drawn_until_ctrl_c(stage: Stage) -> None:
    stage.done("add", "S", "C", "--defaults")
    with at_terminal(stage.cli, "consumer", "graph", stage.stream, "C") as screen:
        screen.wait_for(f"Consumer Statistics for {stage.stream} > C")
        screen.wait_for("Messages Delivered / second")
        screen.interrupt()
        assert screen.finish() == 130
