"""What a store serves, compared with what the model allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pynats_server.jetstream.store import SequenceNotFound
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.faults.model import Places, State
from tests.faults.work import SOURCE_KEYS, Op

Content = tuple[int, bytes, bytes, bytes]


class Finding(NamedTuple):
    """A promise not kept. `code` is the promise:

    lost: an acknowledged message is missing; back: what an acknowledged removal took is there;
    refused: an operation that was refused has happened; alien: nobody stored it; content: other
    bytes; mixture: no part of the unacknowledged operations explains it; memory: not the state
    before a refused operation; counters: they disagree with the messages; false-lost: called lost;
    noise: a complaint about files that are as they should be; stuck: a full disk stopped the store
    for good; failed: a store fails without a reason; erased: erased bytes are on disk; places: of
    sources; start: it does not start; endless: work never ends; end: it does not close; error: an
    unexpected exception.
    """

    code: str
    text: str


@dataclass
class Found:
    """What a store serves."""

    messages: dict[int, Content]
    last: int
    places: Places


Verdict = list[Finding]


def content(state: State) -> dict[int, Content]:
    return {s: (m.ts, m.subject, m.headers, m.payload) for s, m in state.messages.items()}


def look(store: FileStore) -> tuple[Found, list[str]]:
    """What it serves, and where it contradicts itself."""
    messages: dict[int, Content] = {}
    wrong: list[str] = []
    for seq, ts in store.oldest():
        m = store.load(seq)
        messages[seq] = m.ts, m.subject, m.headers, m.payload
        if m.ts != ts or m.seq != seq:
            wrong.append(f"{seq} has another time or number")
    known = store.places.known
    places = tuple(sorted((key, known[key].seq) for key in SOURCE_KEYS if key in known))
    state = store.state(deleted=True)
    subjects: dict[bytes, tuple[int, int, int]] = {}
    for seq, (_, subject, _, _) in messages.items():
        count, first, _ = subjects.get(subject, (0, seq, 0))
        subjects[subject] = (count + 1, first, seq)
    first = min(messages, default=state.last_seq + 1)
    nbytes = sum(store.size_of(len(s), len(h), len(p)) for _, s, h, p in messages.values())
    for what, has, should in (
        ("msgs", state.msgs, len(messages)),
        ("bytes", state.bytes, nbytes),
        ("first", state.first_seq, first),
        ("first_ts", state.first_ts if messages else 0, messages[first][0] if messages else 0),
        ("subjects", state.num_subjects, len(subjects)),
        ("per subject", store.subject_states(b">"), subjects),
        ("deleted", state.num_deleted, state.last_seq + 1 - first - len(messages)),
        (
            "list of deleted",
            state.deleted,
            [s for s in range(first, state.last_seq + 1) if s not in messages],
        ),
        ("blocks", sum(block.msgs for block in store.blocks), len(messages)),
    ):
        if has != should and not state.lost:
            wrong.append(f"{what}: {has}, by its messages {should}")
    try:
        store.load(state.last_seq + 1)
        wrong.append("it has a message from the future")
    except SequenceNotFound:
        pass
    return Found(messages, state.last_seq, places), wrong


def same(found: Found, state: State) -> bool:
    return (
        found.last == state.last
        and _told(found.places) == _told(state.places)
        and found.messages == content(state)
    )


def _told(places: Places) -> Places:
    return tuple(place for place in places if place[1])


def differences(found: Found, state: State) -> str:
    """In words."""
    has, should = found.messages, content(state)
    told = []
    if missing := sorted(should.keys() - has.keys()):
        told.append(f"missing {missing}")
    if more := sorted(has.keys() - should.keys()):
        told.append(f"too many {more}")
    if other := [s for s in sorted(has.keys() & should.keys()) if has[s] != should[s]]:
        told.append(f"other content {other}")
    if found.last != state.last:
        told.append(f"last {found.last}, not {state.last}")
    if _told(found.places) != _told(state.places):
        told.append(f"places {found.places}, not {state.places}")
    return ", ".join(told) or "no difference"


class Allowed:
    """What a store may hold after its end: the state that was acknowledged last, or one of those
    after it (`states`; `steps` made them, the first none of these)."""

    def __init__(
        self, states: list[State], steps: list[Op | None], refused: set[bytes], earlier: list[State]
    ) -> None:
        self.states = states
        self.steps = steps
        self.refused = refused
        self.payloads = {m.payload for state in states for m in state.messages.values()}
        self.once = {m.payload for state in earlier for m in state.messages.values()}
        # What an operation adds and takes away again, nobody sees in a state.
        self.fleeting = {p for op in steps[1:] if op is not None for p in op.added}

    def bounds(self, found: Found) -> Verdict:
        """What holds also if the medium kept any part of what was not acknowledged."""
        made: Verdict = []
        for seq, kept in sorted(found.messages.items()):
            if kept[3] in self.fleeting - self.payloads:
                continue
            if kept[3] not in self.payloads:
                code = (
                    "refused"
                    if kept[3] in self.refused
                    else "back"
                    if kept[3] in self.once
                    else "alien"
                )
                made.append(Finding(code, f"{seq}"))
            elif not any(content(state).get(seq) == kept for state in self.states):
                made.append(Finding("content", f"{seq}"))
        certain = set.intersection(*(set(state.messages) for state in self.states))
        if missing := sorted(certain - found.messages.keys()):
            made.append(Finding("lost", f"{missing}"))
        if found.last < min(state.last for state in self.states):
            made.append(Finding("lost", f"last {found.last}"))
        for key, at in self.states[0].places:
            if dict(found.places).get(key, 0) < at:
                made.append(Finding("places", f"{found.places} for {self.states[0].places}"))
        return made

    def exactly(self, found: Found) -> Verdict:
        """What holds if nothing that was written is gone: the operations up to one of them, the
        last one perhaps in part, and of the removals perhaps less than all."""
        made = self.bounds(found)
        if made or any(same(found, state) for state in self.states):
            return made
        fleeting = self.fleeting - self.payloads
        messages = {s: kept for s, kept in found.messages.items() if kept[3] not in fleeting}
        found = Found(messages, found.last, found.places)
        there: dict[int, Content] = {}
        for at, after in enumerate(self.states):
            there.update(content(after))
            if self._rest(found, there, after):
                return []
            if at and self._part(found, there, self.states[at - 1], after, self.steps[at]):
                return []
        text = min((differences(found, state) for state in self.states), key=len)
        return [Finding("mixture", f"{text} (of {len(self.states)} states)")]

    def _rest(self, found: Found, there: dict[int, Content], state: State) -> bool:
        """Whether it is a state, but for removals that are not done yet."""
        return (
            state.messages.keys() <= found.messages.keys() <= there.keys()
            and found.last == state.last
            and _told(found.places) == _told(state.places)
        )

    def _part(
        self,
        found: Found,
        there: dict[int, Content],
        before: State,
        after: State,
        op: Op | None,
    ) -> bool:
        """Whether a part of one operation explains it: what it adds from the front on, and some of
        what it removes once all of that is there."""
        has, old, new = found.messages, content(before), content(after)
        stays = old.keys() & new.keys()
        if not (stays <= has.keys() <= there.keys()):
            return False
        if not min(before.last, after.last) <= found.last <= max(before.last, after.last):
            return False
        if _told(found.places) not in (_told(before.places), _told(after.places)):
            return False
        if op is None or not op.added:
            return True
        added = {seq for seq, kept in new.items() if kept[3] in op.added}
        if found.last == after.last:
            return added <= has.keys()
        return old.keys() <= has.keys() and added & has.keys() == {
            seq for seq in added if seq <= found.last
        }
