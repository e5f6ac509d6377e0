"""`pynats stream`: streams and the messages they hold."""

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.stream"
GROUP = Group(
    "stream",
    "Streams and the messages they hold",
    aliases=("str", "st", "ms", "s"),
    commands=(
        Command("query", "Search what a stream holds", f"{_HERE}.query:query",
                examples=("pynats stream query ORDERS --where 'data.order.total > 100'",
                          "pynats stream query ORDERS --subject 'orders.eu.>' --since 2h --count",
                          "pynats stream query ORDERS -H Kind~^new --select sequence,data.id "
                          "--output csv"),
                panel="Messages"),
    ),
)  # fmt: skip
