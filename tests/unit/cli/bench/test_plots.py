"""Plots of runs: as text, PNG and SVG."""

from __future__ import annotations

import io
import struct
import xml.etree.ElementTree as ET
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from pynats_bench.clients.timeline import Latency, Rate, Timeline
from pynats_cli.commands.bench.plots import flag, terminal
from pynats_cli.commands.bench.plots.files import draw
from pynats_cli.commands.bench.plots.flag import Plotted
from pynats_cli.errors import CliError
from pynats_cli.screen.graph import whole_chart
from pynats_common.commandline.parse import BadValueError, parse

SVG = "{http://www.w3.org/2000/svg}"

LINE = Timeline(
    4,
    2.0,
    [Rate(at / 10, 1_000.0 + 100 * at, 200.0, 300.0) for at in range(1, 21)],
    [Latency(at / 4, 50, 20_000, 40_000, 90_000 * at, 1_000_000) for at in range(1, 9)],
)
ALONE = Timeline(1, 2.0, [Rate(rate.seconds, rate.total, rate.total, rate.total)
                          for rate in LINE.rates])  # fmt: skip


def points(group: ET.Element) -> list[tuple[float, float]]:
    """The points of a series in an SVG."""
    path = group.find(f".//{SVG}path")
    assert path is not None
    words = path.get("d", "").replace("M", " ").replace("L", " ").split()
    numbers = [float(word) for word in words]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_an_svg_has_the_series_in_it(tmp_path: Path) -> None:
    draw(LINE, "pub $JS.x & <y>$", tmp_path / "run.svg")
    tree = ET.parse(tmp_path / "run.svg")
    groups = {group.get("id"): group for group in tree.iter(f"{SVG}g")}
    throughput = points(groups["throughput"])
    assert len(throughput) == len(LINE.rates)
    # As time and rate grow evenly, so do the points; y counts from above.
    steps = {(round(b[0] - a[0], 2), round(b[1] - a[1], 2)) for a, b in pairwise(throughput)}
    assert max(step[0] for step in steps) - min(step[0] for step in steps) < 0.05
    assert all(step[1] < 0 for step in steps)
    assert len(points(groups["latency-p50"])) == 8
    assert {y for _, y in points(groups["latency-p50"])} == {points(groups["latency-p50"])[0][1]}
    assert points(groups["latency-p99"])[-1][1] < points(groups["latency-p99"])[0][1]
    assert {"clients", "latency-p90", "latency-max"} <= groups.keys()
    texts = {"".join(text.itertext()).strip() for text in tree.iter(f"{SVG}text")}
    assert {"pub $JS.x & <y>$", "Throughput", "Latency", "Messages a second", "p99",
            "all clients", "slowest to fastest client, times 4",
            "Time since the first message (s)"} <= texts  # fmt: skip


def test_a_png_is_one_of_the_size_that_it_says(tmp_path: Path) -> None:
    path = tmp_path / "run.PNG"
    draw(ALONE, "sub foo", path)
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colours = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth, colours) == (1200, 780, 8, 6)
    pixels, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert (
            zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        )
        pixels += body if kind == b"IDAT" else b""
        at += 12 + size
    assert len(zlib.decompress(pixels)) == height * (1 + 4 * width)


def test_charts_have_titles_units_and_clients() -> None:
    text = terminal.charts(LINE, "pub foo", 80)
    lines = text.splitlines()
    assert lines[0] == "pub foo"
    assert all(len(line) <= 80 for line in lines)
    assert lines[2].startswith(" 3,000 ┤")
    for caption in ("Messages a second, 2 s", "Latency p50, 2 s", "Latency p99, 2 s"):
        assert any(line.strip() == caption for line in lines)
    assert "4 clients, on average from 200 to 300 messages a second each" in lines
    assert any(line.startswith(" 720µs ┤") for line in lines)
    alone = terminal.charts(ALONE, "pub foo", 80)
    assert "Latency" not in alone and "clients" not in alone


def test_a_moment_has_no_plot() -> None:
    assert terminal.charts(Timeline(1, 0.1, LINE.rates[:1]), "x", 80) == terminal.TOO_SHORT
    assert terminal.charts(Timeline(1), "x", 80) == terminal.TOO_SHORT


def test_charts_are_ascii_where_nothing_else_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert terminal.shown(LINE, "pub foo").isascii()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert "┤" in terminal.shown(LINE, "pub foo")


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0ns"), (850, "850ns"), (999.9, "1µs"), (12_345, "12.3µs"), (1_050_000, "1.05ms"),
     (999_960, "1ms"), (2e9, "2s"), (1_234e9, "1,234s")],
)  # fmt: skip
def test_latencies_have_three_digits(ns: float, text: str) -> None:
    assert terminal.latency_text(ns) == text


def test_the_flag_means_the_terminal_or_a_file() -> None:
    assert parse(Plotted, []).plot == ""
    assert parse(Plotted, ["--plot"]).plot == "-"
    assert parse(Plotted, ["--plot", "x.svg"]).plot == "x.svg"
    assert parse(Plotted, ["--plot=y.PNG"]).plot == "y.PNG"
    with pytest.raises(BadValueError, match=r'--plot: must end in .png or .svg, got "x.gif"'):
        parse(Plotted, ["--plot=x.gif"])


def test_what_cannot_be_plotted_is_said_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag.check(Plotted(), structured=True)
    flag.check(Plotted(plot="-"), structured=False)
    flag.check(Plotted(plot=str(tmp_path / "x.png")), structured=True)
    with pytest.raises(CliError, match="--plot needs a file beside --json"):
        flag.check(Plotted(plot="-"), structured=True)
    with pytest.raises(CliError, match=r"--plot: no folder .*/none"):
        flag.check(Plotted(plot=str(tmp_path / "none" / "x.png")), structured=False)
    monkeypatch.setattr(flag, "find_spec", lambda name: None)
    with pytest.raises(CliError, match=r"needs matplotlib: pip install 'pynats-toolbox\[plot\]'"):
        flag.check(Plotted(plot="x.png"), structured=False)


def test_a_plot_goes_where_it_is_asked_for(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    flag.show(Plotted(), LINE, "x")
    assert capfdbinary.readouterr() == (b"", b"")
    flag.show(Plotted(plot="-"), LINE, "pub foo")
    assert b"Latency p99" in capfdbinary.readouterr().out
    with pytest.raises(CliError, match=r"--plot: .*: No such file"):
        flag.show(Plotted(plot=str(tmp_path / "no" / "x.png")), LINE, "x")


def test_a_chart_fills_its_height_though_peaks_are_averaged_away() -> None:
    values = [900.0 if at == 7 else 10.0 for at in range(400)]
    drawn = whole_chart(values, 40, 6, label=terminal.rate_text).splitlines()
    assert drawn[0].rstrip()[-1] not in "┤┼"
    assert int(drawn[0].split()[0]) < 900
