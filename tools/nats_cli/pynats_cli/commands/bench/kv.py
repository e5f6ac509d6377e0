"""`pynats bench kv`: values of a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, in_range

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import check_size
from pynats_cli.commands.bench.options import BucketOptions, Paced, Purged, Stored
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.commands.bench.streams import NAME_IN_USE, purge
from pynats_cli.commands.buckets import create
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.jetstream.api import STREAM_NOT_FOUND, JsApiError
from pynats_cli.jetstream.kv.bucket import HISTORY_MAX, Bucket, Wish, new_config

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

DEFAULT = "benchbucket"
_RANDOM = "--randomize"


@dataclass(kw_only=True)
class PutOptions(Stored, Purged, Paced, BucketOptions):
    """Flags of `kv put`."""

    history: Annotated[
        int, opt("--history", kind=in_range(UNSIGNED, 1, HISTORY_MAX), help="Values of each key")
    ] = 1
    randomize: Annotated[
        int, opt(_RANDOM, kind=UNSIGNED, help="Put to random keys below this number; 0 = in order")
    ] = 0


@dataclass(kw_only=True)
class GetOptions(BucketOptions):
    """Flags of `kv get`."""

    randomize: Annotated[
        int, opt(_RANDOM, kind=UNSIGNED, help="Get random keys below this number; 0 = in order")
    ] = 0


async def put(global_options: GlobalOptions, options: PutOptions) -> int | None:
    """Stores values."""
    Bucket.stream_name(options.bucket)
    planned = plan.Plan.of(plan.KV_PUT, options, bucket=options.bucket, purge=options.purge)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.storing import PutKeys

        check_size(session, options)
        await _ready_bucket(session, options)
        return PutKeys(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            bucket=options.bucket,
            size=options.size,
            randomize=options.randomize,
            sleep_ns=options.sleep,
            rate=float(options.throughput),
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def get(global_options: GlobalOptions, options: GetOptions) -> int | None:
    """Reads values."""
    Bucket.stream_name(options.bucket)
    planned = plan.Plan.of(plan.KV_GET, options, bucket=options.bucket, randomize=options.randomize)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.getting import GetKeys

        bucket = await _opened(session, options.bucket, "finding")
        return GetKeys(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            bucket=options.bucket,
            randomize=options.randomize,
            direct=bucket.direct,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def _opened(session: Session, name: str, doing: str) -> Bucket:
    try:
        return Bucket(name, await session.js.stream_info(Bucket.stream_name(name)))
    except JsApiError as error:
        said = "nats: bucket not found" if error.code == STREAM_NOT_FOUND else str(error)
        raise CliError(f"{doing} kv bucket '{name}': {said}") from None


async def _ready_bucket(session: Session, options: PutOptions) -> None:
    """The bucket is there, and empty if that is asked for. Only the usual one is created: another
    one may be somebody's. Raises CliError."""
    name = options.bucket
    if name != DEFAULT:
        bucket = await _opened(session, name, "getting the")
        if options.purge:
            await purge(session, bucket.stream)
        return
    wish = Wish(
        description="nats bench bucket",
        history=options.history,
        replicas=options.replicas,
        bucket_bytes=options.maxbytes,
        storage=options.storage,
    )
    config = new_config(name, wish)
    stream = str(config["name"])
    if options.purge:
        # With what it held it may also have other settings.
        try:
            await session.js.request(f"STREAM.CREATE.{stream}", config)
        except JsApiError as error:
            if error.code != NAME_IN_USE:
                raise
            await session.js.request(f"STREAM.DELETE.{stream}")
        else:
            await purge(session, stream)
            return
    try:
        await create(session, name, config)
    except JsApiError as error:
        raise CliError(f"could not create bucket {name}: {error}") from None
