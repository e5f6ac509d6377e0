"""The rules for streams that copy from others: mirrors, sources, and cycles among them."""

from __future__ import annotations

from collections import deque

from pynats_common.go.quoting import quote

from pynats_server.jetstream.config.context import Surroundings
from pynats_server.jetstream.config.model import StreamConfig, StreamSource
from pynats_server.jetstream.config.rules import (
    check_transform,
    invalid_config,
    is_asset_name,
    is_literal_subject,
    is_subject,
    pedantic_error,
    subjects_collide,
)
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.subjects.collisions import any_overlap, first_overlap, some_nested
from pynats_server.work import Work

API_PREFIX = "$JS.API"
# How many are looked at before a rest; each is about 0.2 ms.
TRANSFORMS, SOURCES, SUBJECTS = 16, 64, 1024
# Ways from stream to stream that are followed before each stream is looked at only once more: there
# may be exponentially many.
LOOKS = 16384


def check_mirror(config: StreamConfig, around: Surroundings, pedantic: bool) -> Work[None]:
    """The mirror's own rules; takes over whether its origin answers direct gets."""
    mirror = config.mirror
    if mirror is None:
        return
    for clashes, code in (
        (config.first_seq > 0, 10143),
        (bool(config.subjects), 10034),
        (bool(config.sources), 10031),
        (config.allow_msg_counter, 10173),
        (config.allow_atomic, 10198),
        (config.allow_batched, 10209),
        (config.allow_msg_schedules, 10186),
        (not _reads_durably(mirror), 10213),
        (bool(mirror.filter_subject and mirror.subject_transforms), 10150),
    ):
        if clashes:
            raise api_error(code)
    if config.subject_delete_marker_ttl > 0:
        # Markers would take sequence numbers that the origin gives to other messages.
        raise invalid_config("subject delete markers forbidden on mirrors")
    sources = [transform.src.encode() for transform in mirror.subject_transforms]
    pair = yield from first_overlap(sources)
    for place, transform in enumerate(mirror.subject_transforms):
        if place % TRANSFORMS == TRANSFORMS - 1:
            yield
        check_transform(transform.src, transform.dest, 10151, 10154)
        if pair is not None and place == pair[0]:
            raise api_error(10152)
    if mirror.external is not None:
        return
    if not is_asset_name(mirror.name):
        raise api_error(10142)
    origin = around.stream(mirror.name)
    if origin is None:
        return
    if 0 < config.max_msg_size < origin.max_msg_size:
        raise api_error(10030)
    if pedantic and config.mirror_direct != origin.allow_direct:
        raise pedantic_error("origin stream has direct get set, mirror has it disabled")
    config.mirror_direct = origin.allow_direct


def check_sources(config: StreamConfig, around: Surroundings) -> Work[None]:
    """The rules for each source, and among the sources."""
    if config.sources and config.allow_msg_schedules:
        raise api_error(10187)
    seen: set[object] = set()
    durables: set[object] = set()
    for place, source in enumerate(config.sources):
        if place % SOURCES == SOURCES - 1:
            yield
        if not is_asset_name(source.name):
            raise api_error(10141)
        identity = _identity(source)
        if identity in seen:
            raise api_error(10140)
        seen.add(identity)
        if source.filter_subject and source.subject_transforms:
            raise api_error(10144)
        for step, transform in enumerate(source.subject_transforms):
            if step % TRANSFORMS == TRANSFORMS - 1:
                yield
            check_transform(transform.src, transform.dest, 10145, 10146)
        filters = [transform.src.encode() for transform in source.subject_transforms]
        if len(filters) > 1 and (yield from some_nested(filters)):
            raise api_error(10147)
        if not _reads_durably(source):
            raise api_error(10215)
        if source.consumer is not None:
            durable = (source.name, _api_of(source), source.consumer.name)
            if durable in durables:
                raise api_error(10216)
            durables.add(durable)
        origin = around.stream(source.name) if source.external is None else None
        if origin is not None and 0 < config.max_msg_size < origin.max_msg_size:
            raise api_error(10046)


def _identity(source: StreamSource) -> tuple[object, ...]:
    """Two sources that agree in this would copy the same messages to the same subjects."""
    pairs = [(each.src or ">", each.dest or ">") for each in source.subject_transforms]
    if not pairs:
        pairs = [(source.filter_subject or ">", ">")]
    durable = None if source.consumer is None else source.consumer.name
    return (source.name, _api_of(source), durable, tuple(pairs))


def _api_of(source: StreamSource) -> str | None:
    return None if source.external is None else source.external.api


def _reads_durably(source: StreamSource) -> bool:
    """Whether the consumer that it names, if any, fits the rest of it."""
    consumer = source.consumer
    if consumer is None:
        return True
    return (
        is_asset_name(consumer.name)
        and is_literal_subject(consumer.deliver_subject)
        and source.opt_start_seq == 0
        and source.opt_start_time is None
        and not source.filter_subject
    )


def check_external_prefixes(config: StreamConfig, around: Surroundings) -> Work[None]:
    """Prefixes of other accounts and domains may not lead back into this one."""
    copied = [*config.sources] if config.mirror is None else [config.mirror, *config.sources]
    external = [each.external for each in copied if each.external is not None]
    if not external:
        return
    names = dict.fromkeys(each.name for each in _copied_here(config))
    origins = [origin for name in names if (origin := around.stream(name)) is not None]
    open_ended = yield from _open_ended(origins)
    for step, prefix in enumerate(each.deliver for each in external if each.deliver):
        if step % SOURCES == SOURCES - 1:
            yield
        if not is_literal_subject(prefix):
            raise api_error(10024, prefix=prefix)
        for at, subject in enumerate(open_ended):
            if at % SOURCES == SOURCES - 1:
                yield
            if subjects_collide(subject, f"{prefix}.{subject}"):
                raise api_error(10022, prefix=prefix, subject=subject)
    for step, prefix in enumerate(each.api for each in external if each.api):
        if step % SOURCES == SOURCES - 1:
            yield
        if not is_literal_subject(prefix):
            shown = quote(prefix.encode())
            raise invalid_config(
                f"stream external api prefix {shown} must be a valid subject without wildcards"
            )
        if subjects_collide(prefix, API_PREFIX):
            raise api_error(10021, prefix=prefix, subject=API_PREFIX)


def _open_ended(origins: list[StreamConfig]) -> Work[list[str]]:
    """Their subjects that end in `>`: no other can match a subject that is longer than itself."""
    found: list[str] = []
    for origin in origins:
        for at in range(0, len(origin.subjects), SUBJECTS):
            found += [each for each in origin.subjects[at : at + SUBJECTS] if each[-1:] == ">"]
            yield
    return found


def check_cycles(config: StreamConfig, around: Surroundings) -> Work[None]:
    """The stream must not copy from itself through other streams of the account, nor reach one that
    was already looked at: nothing copies from a stream listed before it, of the same or an earlier
    generation. Streams are looked at as often as they are reached, up to a bound.

    Only subjects that the filter of a source lets through can take part in a cycle.
    """
    waiting = deque([config])
    looked_at: set[str] = set()
    step = 0
    while waiting:
        here = waiting.popleft()
        if here.name in looked_at and step > LOOKS:
            continue
        looked_at.add(here.name)
        filters: list[bytes] = []
        for each in _copied_here(here):
            step += 1
            if step % SOURCES == SOURCES - 1:
                yield
            if each.name in looked_at:
                let_through = each.filter_subject if each is not here.mirror else ""
                if not let_through:
                    raise invalid_config("detected cycle")
                filters.append(let_through.encode())
            elif (origin := around.stream(each.name)) is not None:
                waiting.append(origin)
        if filters and (yield from any_overlap(filters, here.subjects)):
            raise invalid_config("detected cycle")


def _copied_here(config: StreamConfig) -> list[StreamSource]:
    """What it copies from its own account."""
    copied = config.sources if config.mirror is None else [*config.sources, config.mirror]
    return [each for each in copied if each.external is None]


def check_filters(config: StreamConfig) -> Work[None]:
    """The filters of a new stream's mirror and sources must be subjects (error 10049)."""
    copied = [(config.mirror, "mirror")] if config.mirror is not None else []
    both = [*copied, *((source, "source") for source in config.sources)]
    for step, (each, kind) in enumerate(both):
        if step % SOURCES == SOURCES - 1:
            yield
        given = each.filter_subject
        if given and not each.subject_transforms and not is_subject(given):
            colon = "" if kind == "mirror" else ":"
            raise _filter_error(f"subject filter '{given}' for the {kind}{colon} invalid subject")


def _filter_error(reason: str) -> ApiError:
    return api_error(10049, err=reason)
