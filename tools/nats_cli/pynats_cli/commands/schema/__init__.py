"""`pynats schema`: JSON schemas of what servers and services say."""

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.schema"
GROUP = Group(
    "schema",
    "JSON schemas of messages and requests",
    commands=(
        Command("search", "List schemas", f"{_HERE}.looking:search", ("find", "list", "ls"),
                examples=("pynats schema ls", "pynats schema ls 'stream.*request' --json"),
                offline=True),
        Command("info", "Show a schema", f"{_HERE}.looking:info", ("show", "view"),
                examples=("pynats schema info io.nats.micro.v1.ping_response",), offline=True),
        Command("validate", "Check a document against a schema", f"{_HERE}.checking:validate",
                ("check",),
                examples=("pynats schema validate io.nats.jetstream.api.v1.stream_configuration "
                          "stream.json",), offline=True),
        Command("request", "Send a request and check the answer", f"{_HERE}.checking:request",
                ("req",), examples=("pynats schema request '$JS.API.INFO' --show",)),
    ),
)  # fmt: skip
