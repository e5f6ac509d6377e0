"""`pynats server cluster`: the meta group of JetStream, and connections of a cluster."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.server.cluster"

GROUP = Group(
    "cluster",
    "The JetStream cluster and its connections",
    aliases=("r", "raft"),
    commands=(
        Command("step-down", "Have the meta group elect another leader",
                f"{_HERE}.step_down:step_down", ("stepdown", "sd", "elect", "down", "d"),
                examples=("pynats server cluster step-down",
                          "pynats server cluster step-down --host n2")),
        Command("evacuate", "Move everything that a peer holds to other peers",
                f"{_HERE}.peers:evacuate", examples=("pynats server cluster evacuate n3",)),
        Command("peer-remove", "Remove a peer that will not come back",
                f"{_HERE}.peers:peer_remove", ("rm", "pr"),
                examples=("pynats server cluster peer-remove n3",)),
        Command("rescue", "Lower the quorum of a cluster that has lost too many peers",
                f"{_HERE}.rescue:rescue", examples=("pynats server cluster rescue",)),
        Command("balance", "Spread connections evenly over servers", f"{_HERE}.balance:balance",
                examples=("pynats server cluster balance 5m --cluster C1 --idle 1h",)),
    ),
)  # fmt: skip
