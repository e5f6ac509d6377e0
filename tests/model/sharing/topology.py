"""Random accounts with what they export, import and map, and their clients. Subjects are of few
tokens, so that names often meet. Accounts import of those before them and of themselves, because
whether the real server takes other circles depends on the order of its maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from tests.model.sharing.subjects import REST, STAR, Renaming, Subject, matches, text, tokens

LETTERS = "abc"
AN_INBOX = ("re", "0", "x", "x", "x", "x")


@dataclass(frozen=True, slots=True)
class Subscription:
    sid: int
    pattern: Subject
    queue: str = ""


@dataclass(slots=True)
class Client:
    user: str
    account: int
    echo: bool
    publish_deny: list[Subject]
    subscribe_deny: list[Subject]
    subscriptions: list[Subscription]


@dataclass(slots=True)
class StreamLink:
    exporter: int
    importer: int
    names: Renaming  # from the exporter's
    spelled: str


@dataclass(slots=True, eq=False)
class ServiceLink:
    exporter: int
    importer: int
    names: Renaming  # from the importer's
    remote: Subject
    share: bool
    kind: str
    spelled: str


@dataclass(slots=True)
class Mapping:
    names: Renaming | None  # None = what it matches is lost
    source: Subject
    spelled: str


@dataclass(slots=True)
class Topology:
    accounts: int
    exports: list[list[str]] = field(default_factory=list)
    streams: list[StreamLink] = field(default_factory=list)
    services: list[ServiceLink] = field(default_factory=list)
    mappings: list[list[Mapping]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def config(self) -> str:
        blocks = []
        for number in range(self.accounts):
            users = ", ".join(_user(each) for each in self.clients if each.account == number)
            imports = [s.spelled for s in self.streams if s.importer == number]
            imports += [s.spelled for s in self.services if s.importer == number]
            maps = "\n      ".join(each.spelled for each in self.mappings[number])
            blocks.append(
                f"  A{number} {{\n    users = [{users}]\n"
                f"    exports = [\n      {_lines(self.exports[number])}\n    ]\n"
                f"    imports = [\n      {_lines(imports)}\n    ]\n"
                f"    mappings = {{\n      {maps}\n    }}\n  }}"
            )
        return "accounts {\n" + "\n".join(blocks) + "\n}\n"


def _lines(items: list[str]) -> str:
    return "\n      ".join(items)


def _user(client: Client) -> str:
    denied = []
    for key, subjects in (
        ("publish", client.publish_deny),
        ("subscribe", client.subscribe_deny),
    ):
        if subjects:
            names = ", ".join(f'"{text(each)}"' for each in subjects)
            denied.append(f"{key}: {{deny: [{names}]}}")
    more = f", permissions: {{{', '.join(denied)}}}" if denied else ""
    return f"{{user: {client.user}, password: p{more}}}"


def a_subject(random: Random) -> Subject:
    return tuple(random.choices(LETTERS, k=random.choice((1, 2, 2, 3, 3, 4))))


def a_pattern(random: Random, wild: float = 0.4) -> Subject:
    made = [STAR if random.random() < wild else each for each in a_subject(random)]
    if random.random() < wild / 2:
        made[-1] = REST
    return tuple(made)


def _narrowed(random: Random, pattern: Subject) -> Subject:
    """The pattern or a part of it."""
    made = [random.choice(LETTERS) if t == STAR and random.random() < 0.3 else t for t in pattern]
    if made[-1] == REST and random.random() < 0.3:
        made[-1:] = random.choices((*LETTERS, STAR), k=random.choice((1, 2)))
    return tuple(made)


def _renaming(random: Random, source: Subject) -> tuple[Renaming, str]:
    """Another name for a pattern, and how it is written. All stars are used, once."""
    stars = list(range(source.count(STAR)))
    if random.random() < 0.5:
        random.shuffle(stars)
    made: list[str | int] = list(random.choices(LETTERS, k=random.choice((0, 1, 1, 2))))
    for star in stars:
        made.append(star)
        if random.random() < 0.2:
            made.append(random.choice(LETTERS))
    if source[-1] == REST:
        made.append(REST)
    if not made:
        made.append(random.choice(LETTERS))
    spelled = ".".join(f"${each + 1}" if isinstance(each, int) else each for each in made)
    return Renaming(source, tuple(made)), spelled


def _same(pattern: Subject) -> Renaming:
    numbers = iter(range(len(pattern)))
    return Renaming(pattern, tuple(next(numbers) if t == STAR else t for t in pattern))


Offered: TypeAlias = dict[tuple[Subject, str], str]
"""How each service answers, by subject and "service"; of streams, by subject and "stream"."""


def draw(random: Random) -> Topology:
    made = Topology(random.randint(2, 6))
    _draw_sharing(random, made)
    for number in range(made.accounts):
        made.clients += [_draw_client(random, number, n) for n in range(random.randint(1, 2))]
    _keep_what_may_be_denied(made)
    return made


def _draw_sharing(random: Random, made: Topology) -> None:
    offered: list[Offered] = []
    for number in range(made.accounts):
        exports, kinds = _draw_exports(random)
        made.exports.append(exports)
        made.mappings.append(_draw_mappings(random))
        offered.append(kinds)
        for _ in range(random.randint(0, 5)):
            _import(random, made, number, offered)


def redraw(random: Random, before: Topology) -> Topology:
    """Other exports, imports and mappings, with the same accounts and clients."""
    made = Topology(before.accounts, clients=before.clients)
    _draw_sharing(random, made)
    _keep_what_may_be_denied(made)
    return made


def _keep_what_may_be_denied(made: Topology) -> None:
    """The real server asks for the permission of what is lost under an empty subject."""
    for client in made.clients:
        if client.publish_deny:
            mappings = made.mappings[client.account]
            mappings[:] = [each for each in mappings if each.names is not None]


def _draw_exports(random: Random) -> tuple[list[str], Offered]:
    kinds: Offered = {}
    exports = []
    for _ in range(random.randint(0, 4)):
        pattern = a_pattern(random)
        if random.random() < 0.5:
            exports.append(f'{{stream: "{text(pattern)}"}}')
            kinds[pattern, "stream"] = ""
        elif (pattern, "service") not in kinds:
            kind = random.choice(("singleton", "stream", "chunked"))
            exports.append(f'{{service: "{text(pattern)}", response: {kind}}}')
            kinds[pattern, "service"] = kind
    return exports, kinds


def _import(random: Random, made: Topology, number: int, offered: list[Offered]) -> None:
    """Of an account before this one, more often than of itself."""
    exporter = random.choice((number, *range(number), *range(number), *range(number)))
    if not offered[exporter]:
        return
    pattern, what = random.choice(list(offered[exporter]))
    if what == "stream":
        _import_stream(random, made, number, exporter, pattern)
    else:
        _import_service(random, made, number, exporter, pattern, offered[exporter])


def _import_stream(
    random: Random, made: Topology, importer: int, exporter: int, pattern: Subject
) -> None:
    subject = _narrowed(random, pattern)
    known = [s for s in made.streams if (s.importer, s.exporter) == (importer, exporter)]
    if any(s.names.source == subject for s in known):
        return
    begin = f'{{stream: {{account: A{exporter}, subject: "{text(subject)}"}}'
    choice = random.random()
    if choice < 0.3:
        names, spelled = _same(subject), ""
    elif choice < 0.6:
        letter = random.choice(LETTERS)
        plain = _same(subject)
        names, spelled = Renaming(subject, (letter, *plain.made)), f", prefix: {letter}"
    else:
        names, to = _renaming(random, subject)
        spelled = f', to: "{to}"'
    made.streams.append(StreamLink(exporter, importer, names, begin + spelled + "}"))


def _import_service(
    random: Random, made: Topology, importer: int, exporter: int, pattern: Subject,
    offered: Offered,
) -> None:  # fmt: skip
    subject = _narrowed(random, pattern)
    begin = f'{{service: {{account: A{exporter}, subject: "{text(subject)}"}}'
    if random.random() < 0.4:
        names, spelled = _same(subject), ""
    else:
        names, to = _renaming(random, subject)
        spelled = f', to: "{to}"'
    local = names.turned()
    if matches(local.source, AN_INBOX):
        return  # whether answers are requests is not modelled
    known = [s for s in made.services if (s.importer, s.exporter) == (importer, exporter)]
    if any(s.names.source == local.source or s.remote == subject for s in known):
        return  # of several imports of one service, one says in the real server what is shared
    share = random.random() < 0.3
    kind = _kind_of(subject, offered)
    spelled += f", share: {str(share).lower()}}}"
    if kind is not None:
        made.services.append(
            ServiceLink(exporter, importer, local, subject, share, kind, begin + spelled)
        )


def _kind_of(subject: Subject, offered: Offered) -> str | None:
    """How the service answers; None where several exports say so and it depends which counts."""
    exact = offered.get((subject, "service"))
    if exact is not None:
        return exact
    kinds = {k for (p, what), k in offered.items() if what == "service" and _covers(p, subject)}
    return kinds.pop() if len(kinds) == 1 else None


def _covers(wide: Subject, narrow: Subject) -> bool:
    for place, wanted in enumerate(wide):
        if wanted == REST:
            return place < len(narrow)
        if place >= len(narrow) or narrow[place] == REST or (wanted not in (STAR, narrow[place])):
            return False
    return len(wide) == len(narrow)


def _draw_mappings(random: Random) -> list[Mapping]:
    """At most one per first token, because the real server has no order among several."""
    made = []
    for letter in random.sample(LETTERS, random.choice((0, 0, 1, 2))):
        source = (letter, *a_pattern(random))[: random.choice((1, 2, 3))]
        if REST in source[:-1]:
            continue
        if STAR not in source and random.random() < 0.3:
            spelled = f'"{text(source)}": [{{dest: "{text(source)}", weight: 0}}]'
            made.append(Mapping(None, source, spelled))
            continue
        names, to = _renaming(random, source)
        made.append(Mapping(names, source, f'"{text(source)}": "{to}"'))
    return made


def _draw_client(random: Random, account: int, number: int) -> Client:
    echo = random.random() < 0.8
    denied = [a_pattern(random)] if random.random() < 0.3 else []
    unheard = [a_pattern(random)] if random.random() < 0.3 else []
    subscriptions = []
    for sid in range(1, random.randint(1, 6) + 1):
        pattern = tokens(">") if random.random() < 0.15 else a_pattern(random)
        if REST in pattern and any(matches(each, pattern) for each in unheard):
            continue  # the real server takes the last token for a literal
        # Which member is passed over where one of a group may not have it, is not modelled.
        in_group = echo and not unheard and random.random() < 0.4
        subscriptions.append(Subscription(sid, pattern, random.choice("gh") if in_group else ""))
    user = f"u{account}{'xy'[number]}"
    return Client(user, account, echo, denied, unheard, subscriptions)
