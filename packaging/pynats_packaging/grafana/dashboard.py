"""Grafana's JSON of the panels. Grafana 10 reads it; newer ones convert it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pynats_packaging.grafana.panels import ACCOUNT, ROWS, SERVER, Panel

SCHEMA = 38  # of Grafana 10.0
COLUMNS = 24
HEIGHTS = {"stat": 4, "timeseries": 8, "table": 8, "bargauge": 8}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


def dashboard() -> Json:
    """The whole dashboard."""
    return {
        "uid": "pynats-server",
        "title": "PyNATS server",
        "description": "Figures of pynats-server's /metrics.",
        "tags": ["nats", "pynats"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "annotations": {"list": [_restarts()]},
        "links": [],
        "templating": {"list": list(_variables())},
        "panels": list(_placed()),
    }


def _restarts() -> Json:
    return {
        "name": "Starts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"changes(nats_server_start_time_seconds{{{SERVER}}}[$__rate_interval]) > 0",
        "titleFormat": "{{instance}} started",
    }


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
    }
    for name, query in (
        ("instance", "label_values(nats_server_info, instance)"),
        ("account", f"label_values(nats_server_account_connections{{{SERVER}}}, account)"),
        ("stream", f"label_values(nats_server_stream_messages{{{ACCOUNT}}}, stream)"),
    ):
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": SOURCE,
            "definition": query,
            "query": {"query": query, "refId": f"variable-{name}"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        }


def _placed() -> Iterator[Json]:
    """Rows and panels from top to bottom and left to right."""
    number, y = 1, 0
    for row in ROWS:
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        yield {
            "id": number, "type": "row", "title": row.title, "gridPos": place,
            "collapsed": False, "panels": [],
        }  # fmt: skip
        number, y, x, height = number + 1, y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": panel.width, "h": HEIGHTS[panel.kind]}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            number, x, height = number + 1, x + panel.width, max(height, HEIGHTS[panel.kind])
        y += height


def _panel(panel: Panel) -> Json:
    at_once = panel.kind != "timeseries"  # shows what is now
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
                "instant": at_once,
                "range": not at_once,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.thresholds is not None:
        orange, red = panel.thresholds
        if orange < red:
            steps.append({"color": "orange", "value": orange})
        steps.append({"color": "red", "value": red})
    found: Json = {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.most is not None:
        found["max"] = panel.most
    if panel.kind == "timeseries":
        found["custom"] = {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never"}
    return found


def _options(panel: Panel) -> Json:
    last: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if panel.kind == "table":
        return {"showHeader": True}
    if panel.kind == "bargauge":
        return {"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": last}
    named = "name" if panel.title == "Version" else "auto"
    return {"colorMode": "value", "graphMode": "none", "textMode": named, "reduceOptions": last}
