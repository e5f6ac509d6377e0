"""Events of traces, without what differs from run to run."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from tests.support.masks import MASKED, masked

VARIES = {*MASKED, "ts", "cid", "created", "first_ts", "last_ts", "cluster"}


def show(value: Any) -> Any:
    """JSON as it is shown: neither receivers nor the fields of answers have an order."""
    shown = masked(value, VARIES)
    if isinstance(shown, dict) and isinstance(shown.get("events"), list):
        runs = groupby(shown["events"], lambda event: event.get("type") in ("eg", "js"))
        shown["events"] = [
            event
            for delivered, run in runs
            for event in (sorted(run, key=json.dumps) if delivered else run)
        ]
        return shown
    return dict(sorted(shown.items())) if isinstance(shown, dict) else shown
