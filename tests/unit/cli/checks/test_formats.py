"""The forms of a check's result."""

from __future__ import annotations

import json

from pynats_cli.commands.server.check.formats import (
    as_json,
    as_nagios,
    as_prometheus,
    as_text,
)
from pynats_cli.servers.checks.result import Result


def example() -> Result:
    result = Result(suite="stream", name="S")
    result.ok("fine")
    result.warn("late")
    result.critical("bad\nnews")
    result.measured("messages", 14, "Messages", warning=200, critical=100)
    result.measured("active", 0.5, "Seen", critical=600.0, unit="s")
    result.measured("sources", 0)
    return result


def test_nagios_reads_one_line() -> None:
    assert as_nagios(example()) == (
        "CRITICAL S Crit:bad news Warn:late OK:fine | "
        "messages=14;200;100 active=0.5000s;;600.0000 sources=0"
    )
    assert as_nagios(Result(suite="s", name="n")) == "OK n"


def test_json_has_what_there_is() -> None:
    assert json.loads(as_json(example())) == {
        "status": "CRITICAL", "check_suite": "stream", "check_name": "S",
        "warning": ["late"], "critical": ["bad\nnews"], "ok": ["fine"],
        "perf_data": [
            {"name": "messages", "value": 14, "warning": 200, "critical": 100},
            {"name": "active", "value": 0.5, "warning": 0, "critical": 600, "unit": "s"},
            {"name": "sources", "value": 0, "warning": 0, "critical": 0},
        ],
    }  # fmt: skip


def test_prometheus_has_each_gauge_once() -> None:
    other = Result(suite="stream", name='a"b\\c')
    other.measured("messages", 1, "Messages")
    lines = as_prometheus([example(), other], "ns").splitlines()
    assert lines.count("# TYPE ns_stream_messages gauge") == 1
    assert 'ns_stream_messages{item="S"} 14' in lines
    assert 'ns_stream_messages{item="a\\"b\\\\c"} 1' in lines
    assert 'ns_stream_status_code{item="S",status="CRITICAL"} 2' in lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert names == sorted(names)


def test_text_shows_messages_by_weight_and_figures() -> None:
    text = as_text(example())
    assert text.startswith("S: CRITICAL\n\nStatus Detail\n")
    assert text.index("fine") < text.index("late") < text.index("bad")
    assert "Critical Threshold" in text
    assert "Status Detail" not in as_text(Result(suite="s", name="n"))
