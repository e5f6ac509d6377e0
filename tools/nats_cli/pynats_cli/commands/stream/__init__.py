"""`pynats stream`: streams and what they hold."""

from pynats_common.commandline.tree import Command, Group

from pynats_cli.commands.backup import IN_STREAM

_HERE = "pynats_cli.commands.stream"
_LOOK, _CHANGE, _MESSAGES = "Look", "Make and change", "Messages"

_CLUSTER = Group(
    "cluster",
    "Leaders and replicas of streams in a cluster",
    aliases=("c",),
    commands=(
        Command(
            "step-down",
            "Let another server lead a stream",
            f"{_HERE}.cluster:step_down",
            aliases=("stepdown", "sd", "elect", "down", "d"),
            examples=("pynats stream cluster step-down ORDERS --preferred n2",),
        ),
        Command(
            "balance",
            "Spread the leaders of streams evenly",
            f"{_HERE}.balance:balance",
            examples=("pynats stream cluster balance --cluster east",),
        ),
        Command(
            "peer-remove",
            "Remove a server from a stream's group",
            f"{_HERE}.cluster:peer_remove",
            aliases=("pr",),
            hidden=True,
        ),
        Command(
            "evacuate",
            "Move a stream away from a server",
            f"{_HERE}.cluster:evacuate",
            examples=("pynats stream cluster evacuate ORDERS n1",),
        ),
        Command(
            "cancel-move",
            "End a move that is not done yet",
            f"{_HERE}.cluster:cancel_move",
            examples=("pynats stream cluster cancel-move ORDERS",),
        ),
    ),
)

GROUP = Group(
    "stream",
    "Manage streams and what they hold",
    aliases=("str", "st", "ms", "s"),
    options=f"{_HERE}.options:StreamGroup",
    examples=(
        "pynats stream add ORDERS --subjects 'orders.>' --defaults",
        "pynats stream info ORDERS",
    ),
    commands=(
        Command(
            "add",
            "Create a stream",
            f"{_HERE}.add:add",
            aliases=("create", "new"),
            examples=(
                "pynats stream add ORDERS --subjects 'orders.>' --defaults",
                "pynats stream add ORDERS --config orders.json",
            ),
            panel=_CHANGE,
        ),
        Command(
            "ls",
            "List streams",
            f"{_HERE}.listing:ls",
            aliases=("list", "l"),
            examples=("pynats stream ls --subject 'orders.*'", "pynats stream ls --names"),
            panel=_LOOK,
        ),
        Command(
            "report",
            "Figures of all streams, and of their replication",
            f"{_HERE}.listing:report",
            examples=("pynats stream report --messages", "pynats stream report --dot flow.dot"),
            panel=_LOOK,
        ),
        Command(
            "find",
            "Find streams by what they are",
            f"{_HERE}.listing:find",
            examples=(
                "pynats stream find --empty --created 1w",
                "pynats stream find --expression 'state.messages > 10 and config.max_age == 0'",
            ),
            panel=_LOOK,
        ),
        Command(
            "info",
            "Show a stream's configuration and state",
            f"{_HERE}.info:info",
            aliases=("nfo", "i"),
            examples=("pynats stream info ORDERS", "pynats stream info ORDERS --json"),
            panel=_LOOK,
        ),
        Command(
            "state",
            "Show a stream's state",
            f"{_HERE}.info:state",
            panel=_LOOK,
            examples=("pynats stream state ORDERS",),
        ),
        Command(
            "subjects",
            "Show the subjects in a stream",
            f"{_HERE}.info:subjects",
            aliases=("subj",),
            examples=("pynats stream subjects ORDERS 'orders.new.>'",),
            panel=_LOOK,
        ),
        Command(
            "edit",
            "Change a stream's configuration",
            f"{_HERE}.edit:edit",
            aliases=("update",),
            examples=(
                "pynats stream edit ORDERS --max-age 7d --dry-run",
                "pynats stream edit ORDERS --interactive",
            ),
            panel=_CHANGE,
        ),
        Command(
            "rm",
            "Remove a stream and all it holds",
            f"{_HERE}.removal:rm",
            examples=("pynats stream rm ORDERS",),
            aliases=("delete", "del"),
            panel=_CHANGE,
        ),
        Command(
            "purge",
            "Remove many messages",
            f"{_HERE}.removal:purge",
            examples=("pynats stream purge ORDERS --subject orders.old --keep 10",),
            panel=_MESSAGES,
        ),
        Command(
            "copy",
            "Create a stream that is configured like another",
            f"{_HERE}.copy:copy",
            aliases=("cp",),
            examples=("pynats stream copy ORDERS RETURNS --subjects 'returns.>'",),
            panel=_CHANGE,
        ),
        Command(
            "rmm",
            "Remove one message",
            f"{_HERE}.removal:rmm",
            panel=_MESSAGES,
            examples=("pynats stream rmm ORDERS 12",),
        ),
        Command(
            "view",
            "Read messages page by page",
            f"{_HERE}.messages:view",
            examples=("pynats stream view ORDERS 20 --since 1h",),
            panel=_MESSAGES,
        ),
        Command(
            "get",
            "Show one message",
            f"{_HERE}.messages:get",
            examples=("pynats stream get ORDERS 12", "pynats stream get ORDERS -S orders.new"),
            panel=_MESSAGES,
        ),
        Command(
            "query",
            "Search what a stream holds",
            f"{_HERE}.query:query",
            examples=(
                "pynats stream query ORDERS --where 'data.order.total > 100'",
                "pynats stream query ORDERS --subject 'orders.eu.>' --since 2h --count",
                "pynats stream query ORDERS -H Kind~^new --select sequence,data.id --output csv",
            ),
            also=f"{_HERE}.listing:find",
            panel=_MESSAGES,
        ),
        Command(
            "seal",
            "Allow no further changes, ever",
            f"{_HERE}.removal:seal",
            panel=_CHANGE,
            examples=("pynats stream seal ORDERS",),
        ),
        Command(
            "gaps",
            "Find sequences without messages",
            f"{_HERE}.gaps:gaps",
            panel=_MESSAGES,
            examples=("pynats stream gaps ORDERS",),
        ),
        Command(
            "graph",
            "Draw a stream's activity",
            f"{_HERE}.graph:graph",
            panel=_LOOK,
            examples=("pynats stream graph ORDERS",),
        ),
        _CLUSTER,
        *IN_STREAM,
    ),
)
