"""`pynats schema validate|request`: whether documents and answers are what their schemas say."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.files import read_whole
from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of

from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.reference.schemas import catalog
from pynats_cli.screen.output import line, show

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class ValidateOptions(Shown):
    schema: Annotated[str, arg("Identifier of the schema")]
    file: Annotated[str, arg("File with the JSON document, - for standard input")]


def validate(global_options: GlobalOptions, options: ValidateOptions) -> int:
    """Check a JSON document against a schema. The exit code is 1 when it does not fit."""
    catalog.schema(options.schema)  # a wrong name is the first thing to say
    problems = catalog.problems(options.schema, _document(options.file))
    show(options, problems, lambda: _found(options.file, options.schema, problems))
    return 1 if problems else 0


def _found(file: str, schema: str, problems: list[str]) -> str:
    if not problems:
        return f"{file} validates against {schema}"
    return "\n".join([f"Validation errors in {file}:", "", *(f"  {text}" for text in problems)])


def _document(file: str) -> Any:
    try:
        data = sys.stdin.buffer.read() if file == "-" else read_whole(file)
    except OSError as error:
        raise CliError(f"open {file}: {(error.strerror or '').lower()}") from None
    return _parsed(data, quote(file))


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CliError(f"could not parse JSON data in {name}: {error}") from None


@dataclass(kw_only=True)
class RequestOptions:
    subject: Annotated[str, arg("Subject to send a request to")]
    body: Annotated[str, arg("Body of the request")] = "{}"
    schema: Annotated[
        str, opt("--schema", help="Identifier of the schema; the answer's own type if absent")
    ] = ""
    show: Annotated[bool, opt("--show", help="Show the answer")] = False


async def request(session: Session, options: RequestOptions) -> int:
    """Send a request and check the answer against its schema. The exit code is 1 when it does not
    fit."""
    from nats import errors as nats_errors

    if options.schema:
        catalog.schema(options.schema)
    try:
        message = await session.request(options.subject, bytes_of(options.body))
    except nats_errors.NoRespondersError:
        raise CliError("nats: no responders available for request") from None
    answer = _parsed(message.data, "the answer")
    if options.show:
        line(json.dumps(answer, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    kind = options.schema or _type_of(answer)
    if problems := catalog.problems(kind, answer):
        line("\n".join(["Validation errors in response:", "", *(f"  {p}" for p in problems)]))
        return 1
    line(f"Response is a valid {kind} message")
    return 0


def _type_of(answer: Any) -> str:
    kind = answer.get("type") if isinstance(answer, dict) else None
    if not isinstance(kind, str) or not kind:
        raise CliError("the answer has no type: name its schema with --schema")
    return kind
