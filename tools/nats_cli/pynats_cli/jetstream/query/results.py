"""What a query found, in the forms it can have, written as it is found."""

from __future__ import annotations

import base64
import csv
import io
import json
import sys
from typing import Any

from pynats_common.commandline.untrusted import harmless_bytes

from pynats_cli.jetstream.query.conditions import Projection
from pynats_cli.jetstream.query.records import Record

FORMS = ("text", "json", "jsonl", "csv")
_BUFFER = 64 * 1024
_COLUMNS = ("sequence", "time", "subject", "data")


class Results:
    """Writes records to standard output. `close` ends what was begun."""

    def __init__(self, form: str, projection: Projection | None, steady: bool) -> None:
        self._form = form
        self._projection = projection
        self._steady = steady  # somebody reads along
        self._buffer: list[bytes] = []
        self._held = 0
        self.count = 0
        if form == "csv":
            self._put(_csv(projection.names if projection else _COLUMNS))

    def add(self, record: Record) -> None:
        self.count += 1
        match self._form:
            case "text":
                self._put(self._text(record))
            case "csv":
                self._put(_csv([_cell(value) for value in self._row(record)]))
            case "jsonl":
                self._put(_json(self._object(record)) + b"\n")
            case _:
                start = b",\n" if self.count > 1 else b"[\n"
                self._put(start + _json(self._object(record)))

    def close(self) -> None:
        if self._form == "json":
            self._put(b"\n]\n" if self.count else b"[]\n")
        self.flush()

    def flush(self) -> None:
        if self._buffer:
            data = b"".join(self._buffer)
            self._buffer, self._held = [], 0
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def _put(self, data: bytes) -> None:
        if self._steady and self._form == "text":
            data = harmless_bytes(data)
        self._buffer.append(data)
        self._held += len(data)
        if self._steady or self._held > _BUFFER:
            self.flush()

    def _row(self, record: Record) -> list[Any]:
        if self._projection is not None:
            return self._projection.values(record)
        return [
            record.sequence, record.time_text, record.subject,
            record.body.decode("utf-8", "backslashreplace"),
        ]  # fmt: skip

    def _object(self, record: Record) -> dict[str, Any]:
        if self._projection is not None:
            return dict(zip(self._projection.names, self._row(record), strict=True))
        shown: dict[str, Any] = {
            "sequence": record.sequence,
            "time": record.time_text,
            "subject": record.subject,
        }
        if record.headers:
            headers: dict[str, list[str]] = {}
            for name, value in record.headers:
                headers.setdefault(name, []).append(value)
            shown["headers"] = headers
        if record.is_json or record.data is not None:
            shown["data"] = record.data
        else:
            shown["data_base64"] = base64.b64encode(record.body).decode()
        return shown

    def _text(self, record: Record) -> bytes:
        if self._projection is not None:
            cells = (_cell(value) for value in self._row(record))
            return ("\t".join(cells) + "\n").encode("utf-8", "replace")
        time = record.time_text
        lines = [f"[{record.sequence}] Subject: {record.subject} Received: {time}"]
        lines += [f"  {name}: {value}" for name, value in record.headers]
        head = "\n".join(lines).encode("utf-8", "replace")
        return head + b"\n\n" + record.body + (b"\n" if record.body.endswith(b"\n") else b"\n\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _json(value).decode()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _csv(cells: Any) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode("utf-8", "replace")
