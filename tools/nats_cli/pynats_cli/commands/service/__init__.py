"""`pynats service`: services that follow the micro protocol."""

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.service"
GROUP = Group(
    "service",
    "Services: find, watch and call them",
    aliases=("micro",),
    commands=(
        Command("list", "List the services that are there", f"{_HERE}.looking:list_services",
                ("ls", "l"), examples=("pynats service ls", "pynats service ls calc --json"),
                panel="Look"),
        Command("info", "Show a service and its endpoints", f"{_HERE}.looking:info", ("i",),
                examples=("pynats service info calc",
                          "pynats service info calc --endpoint '^e' --json"), panel="Look"),
        Command("stats", "Show what the instances of a service have done",
                f"{_HERE}.looking:stats", examples=("pynats service stats calc",), panel="Look"),
        Command("ping", "Measure how long services take to answer", f"{_HERE}.looking:ping",
                examples=("pynats service ping --timeout 1s", "pynats service ping calc"),
                panel="Look"),
        Command("request", "Send a request to an endpoint", f"{_HERE}.calling:request", ("req",),
                examples=("pynats service req calc echo hello",
                          "pynats service req calc echo 'number {{Count}}' --count 3 --raw"),
                panel="Use"),
        Command("serve", "Run a demo service that echoes", f"{_HERE}.serving:serve",
                examples=("pynats service serve calc", "pynats service serve calc -H Kind:demo"),
                panel="Use"),
    ),
)  # fmt: skip
