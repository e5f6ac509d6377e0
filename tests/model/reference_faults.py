"""What commands leave out with the reference, since it would not do what it should.

Each is a fault that a run has found in it. Those that the model imitates stand where it says
`imitate`.
"""

from __future__ import annotations

from tests.model import consumers as policy
from tests.model.streams import INTEREST
from tests.model.subjects import covers
from tests.model.world import World


def fragile(world: World, name: str) -> bool:
    """Whether the reference would count wrongly after a message goes: for consumers of the last
    ones per subject it does not tell which of them they have to come."""
    return world.imitate and any(
        served.config.deliver == policy.LAST_PER_SUBJECT
        for served in world.consumers[name].values()
    )


def forgets(world: World, name: str) -> bool:
    """Whether the reference, after messages have become too old, would count one too few of those
    that come."""
    return world.imitate and bool(world.consumers[name])


def unsteady(world: World, name: str) -> bool:
    """Whether the reference would deliver amid a removal of several messages, or after it."""
    return world.imitate and any(
        served.state.blocked and (served.waiting.pulls or served.bound)
        for served in world.consumers[name].values()
    )


def harms_others(world: World, name: str, subject: str) -> bool:
    """Whether the reference, after a purge of the subject, would skip messages of other filters,
    lose the floor below what is out, or count wrongly."""
    return world.imitate and any(
        served.state.out
        or fragile(world, name)
        or (
            any(covers(subject, known) for known in served.config.filters)
            and not all(covers(subject, known) for known in served.config.filters)
        )
        for served in world.consumers[name].values()
    )


def miscounts(world: World, name: str, subject: str, below: int, keep: int) -> bool:
    """Whether the reference would forget to count a single message that a pattern purges, or
    would count for a consumer of last ones per subject only these from now on."""
    pattern = subject or (">" if below or keep else "")
    found = world.streams[name].purged(subject, below, keep)
    if world.imitate and below and below > max(world.streams[name].messages, default=0):
        return True  # it forgets to move the first sequence where the last ones are deleted
    one = len(found) == 1 and ("*" in pattern or ">" in pattern)
    return world.imitate and (one or fragile(world, name))


def leaves_spent(world: World, stream: str, name: str) -> bool:
    """Whether the reference, when this consumer ends or wants something else, would leave messages
    that nobody needs any more: those out of deliveries, where the floor has passed them. By an
    acknowledgement of all up to a message it may lose these or keep them."""
    interest = world.streams[stream].config.retention == INTEREST
    return world.imitate and interest and bool(world.consumers[stream][name].state.spent)


def beyond(world: World, stream: str, count: int) -> int:
    """How far behind the last message a consumer may start: the reference counts the messages
    before its start as pending when they come later. What an interest stream keeps for one that
    starts further on, goes sooner or later."""
    interest = world.streams[stream].config.retention == INTEREST
    return 1 if world.imitate or interest else count
