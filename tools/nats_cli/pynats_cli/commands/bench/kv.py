"""`pynats bench kv`: values of a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, in_range

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import check_bucket, check_size
from pynats_cli.commands.bench.options import BucketOptions, Paced, Purged, Stored
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_RANDOM = "--randomize"


@dataclass(kw_only=True)
class PutOptions(Stored, Purged, Paced, BucketOptions):
    """Flags of `kv put`."""

    history: Annotated[
        int, opt("--history", kind=in_range(UNSIGNED, 1), help="Values of each key")
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
    check_bucket(options.bucket)
    planned = plan.Plan.of(plan.KV_PUT, options, bucket=options.bucket, purge=options.purge)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.storing import PutKeys

        from pynats_cli.commands.bench.prepare.buckets import ready_bucket
        from pynats_cli.jetstream.kv.bucket import Wish

        check_size(session, options)
        wish = Wish(
            description="nats bench bucket",
            history=options.history,
            replicas=options.replicas,
            bucket_bytes=options.maxbytes,
            storage=options.storage,
        )
        await ready_bucket(session, options.bucket, wish, empty=options.purge)
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
    check_bucket(options.bucket)
    planned = plan.Plan.of(plan.KV_GET, options, bucket=options.bucket, randomize=options.randomize)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.getting import GetKeys

        from pynats_cli.commands.bench.prepare.buckets import opened

        bucket = await opened(session, options.bucket, "finding")
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
