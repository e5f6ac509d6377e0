"""Screens of labels and values."""

from __future__ import annotations

import json

import pytest
from pynats_cli.screen.columns import Columns


@pytest.fixture
def screen() -> Columns:
    made = Columns("Thing")
    made.section("Config")
    made.add("Name", "x")
    made.add_list("Tags", ["one", "two"])
    made.add_list("None", [])
    made.section("Rights")
    made.section("Publish", 1)
    made.text("No permissions defined")
    made.section("Subscribe", 1)
    made.add("Allow", "y")
    return made


def test_labels_end_at_one_column_in_each_section(screen: Columns) -> None:
    assert screen.render().splitlines() == [
        "Thing",
        "",
        "Config:",
        "",
        "   Name: x",
        "   Tags: one",
        "         two",
        "",
        "Rights:",
        "",
        "  Publish:",
        "",
        "   No permissions defined",
        "",
        "  Subscribe:",
        "",
        "    Allow: y",
    ]


def test_other_forms(screen: Columns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMFORMAT", "1")
    text = screen.render()
    assert "- **Tags**: one, two" in text and "### Publish" in text and "## Rights" in text
    monkeypatch.setenv("TESTING", "true")
    assert json.loads(screen.render()) == {"Name": "x", "Tags": "one\ntwo", "Allow": "y"}
