"""Mirrors and sources: their short form in flags, and questions about them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pynats_common.commandline.kinds import UNSIGNED
from pynats_common.go.quoting import quote_excerpt

from pynats_cli.errors import CliError
from pynats_cli.screen import ask

_TIME_FORM = "%Y:%m:%d %H:%M:%S"
Origin = dict[str, Any]
_Labels = tuple[str, str]  # of the questions where it is, and where it delivers


def origin_of(text: str, flag: str) -> Origin:
    """The origin that a flag names: a stream's name, or the whole as JSON. Raises CliError."""
    if not text.lstrip().startswith("{"):
        return {"name": text}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"{flag}: not valid JSON: {error}") from None
    if not found.get("name"):
        raise CliError(f"{flag}: the name of the stream is missing")
    return dict(found)


def ask_mirror(origin: Origin) -> None:
    """What else a mirror needs."""
    if ask.confirm("Configure a custom durable consumer"):
        _ask_consumer(origin)
    elif ask.confirm("Adjust mirror start"):
        number = _sequence("Mirror Start Sequence")
        _start(origin, number, "" if number else _time("Mirror Start Time"))
    if ask.confirm("Adjust mirror filter and transform"):
        _ask_transforms(origin, "mirror")
    _ask_place(origin, "Import mirror", ("Foreign JetStream domain name", "Delivery prefix"),
               ("Foreign account API prefix", "Foreign account delivery prefix"))  # fmt: skip


def ask_source(origin: Origin) -> None:
    """What else a source needs."""
    name = origin["name"]
    if ask.confirm(f'Configure a custom durable consumer for "{name}"'):
        _ask_consumer(origin)
    elif ask.confirm(f'Adjust source "{name}" start'):
        number = _sequence(f"{name} Source Start Sequence")
        _start(origin, number, "" if number else _time(f"{name} Source UTC Time Stamp"))
    if ask.confirm(f'Adjust source "{name}" filter and transform'):
        _ask_transforms(origin, "source")
    domain, account = f"{name} Source foreign JetStream domain", f"{name} Source foreign account"
    _ask_place(origin, f'Import "{name}"', (f"{domain} name", f"{domain} delivery prefix"),
               (f"{account} API prefix", f"{account} delivery prefix"))  # fmt: skip


def _ask_consumer(origin: Origin) -> None:
    name = ask.ask("Durable consumer name", check=_needed)
    origin["consumer"] = {
        "name": name, "deliver_subject": ask.ask("Delivery subject", check=_needed)
    }  # fmt: skip


def _start(origin: Origin, sequence: int, moment: str) -> None:
    if sequence:
        origin["opt_start_seq"] = sequence
    elif moment:
        origin["opt_start_time"] = moment


def _sequence(question: str) -> int:
    return int(ask.ask(question, "0", UNSIGNED.parse))


def _time(question: str) -> str:
    answer = ask.ask(f"{question} (YYYY:MM:DD HH:MM:SS)", check=read_time)
    return read_time(answer)


def read_time(text: str) -> str:
    """A moment in UTC as RFC 3339. Raises ValueError."""
    if not text.strip():
        return ""
    try:
        moment = datetime.strptime(text.strip(), _TIME_FORM).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(
            f"invalid time format: {quote_excerpt(text)} is not YYYY:MM:DD HH:MM:SS"
        ) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ask_transforms(origin: Origin, what: str) -> None:
    transforms = []
    while True:
        source = ask.ask(f"Filter {what} by subject (hit enter to finish)")
        if not source:
            break
        transforms.append({"src": source, "dest": ask.ask("Subject transform destination")})
    if transforms:
        origin["subject_transforms"] = transforms


def _ask_place(origin: Origin, start: str, domain: _Labels, account: _Labels) -> None:
    if ask.confirm(f"{start} from a different JetStream domain"):
        name = ask.ask(domain[0], check=_needed)
        origin["external"] = {"api": f"$JS.{name}.API", "deliver": _prefix(origin, domain[1])}
    elif ask.confirm(f"{start} from a different account"):
        api = ask.ask(account[0], check=_needed)
        origin["external"] = {"api": api, "deliver": _prefix(origin, account[1])}


def _prefix(origin: Origin, question: str) -> str:
    """Below which subject the other side delivers; a consumer that is there has its own."""
    return "" if "consumer" in origin else ask.ask(question)


def _needed(answer: str) -> None:
    if not answer.strip():
        raise ValueError("an answer is needed")
