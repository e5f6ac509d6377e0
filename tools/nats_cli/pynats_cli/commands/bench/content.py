"""What messages of a benchmark hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynats_cli.commands.bench.options import BenchOptions, Content
from pynats_cli.errors import CliError

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

PAYLOAD_MAX = 67_108_864  # bytes: the largest `max_payload` of a server


def load_payload(options: BenchOptions) -> bytes | None:
    """What the file of --payload holds, whose size is then the size of the messages; None without
    one. Raises CliError."""
    name = getattr(options, "payload", "")
    if not name:
        return None
    try:
        with Path(name).open("rb") as file:  # a device may have no end
            body = file.read(PAYLOAD_MAX + 1)
    except OSError as error:
        raise CliError(f"{name}: {error.strerror}") from None
    if len(body) > PAYLOAD_MAX:
        raise CliError(f"{name}: larger than any server takes ({PAYLOAD_MAX:,} bytes)")
    options.size = len(body)
    return body


def check_size(session: Session, options: BenchOptions) -> None:
    """Raises CliError when the server takes no messages of this size."""
    most = int(session.server_info.get("max_payload") or 0)
    if most and options.size > most:
        raise CliError(
            f"nats: maximum payload exceeded: {options.size:,} bytes, the server takes {most:,}"
        )


def headers_of(options: Content) -> list[tuple[str, str]]:
    """The headers of each message. Raises CliError."""
    if not options.header:
        return []
    from pynats_cli.template.messages import parse_headers

    return parse_headers(options.header, 1)


def check_subject(subject: str) -> str:
    """The subject. Raises CliError for one that cannot be sent."""
    if not subject or any(char in subject for char in " \t\r\n") or "" in subject.split("."):
        raise CliError("nats: invalid subject")
    return subject


def every_subject(options: Any) -> str:
    """What matches all subjects of the messages."""
    return f"{options.subject}.*" if options.multisubject else str(options.subject)


def subjects_shown(options: Any) -> dict[str, Any]:
    """The settings of a plan for `Subject` and `ManySubjects`."""
    return {
        "multi_subject": options.multisubject,
        "multi_subject_max": options.multisubjectmax,
        "multi_subject_randomize": options.multisubjectrandomize,
        "subject": every_subject(options),
    }


def check_bucket(name: str) -> None:
    """Raises CliError for what is no bucket's name."""
    from pynats_cli.jetstream.kv.bucket import Bucket

    Bucket.stream_name(name)
