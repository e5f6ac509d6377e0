"""`pynats kv add` and `kv edit`: the configuration of a bucket."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, INTEGER, KEY_VALUE, SIZE, UNSIGNED

from pynats_cli.commands.buckets import STORAGE, create, tags_of
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.kv.bucket import Bucket, Wish, changed_config, new_config
from pynats_cli.jetstream.kv.values import open_bucket
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class BucketOptions(Shown):
    """What may be said of a bucket at any time."""

    bucket: Annotated[str, arg("Bucket to act on")]
    description: Annotated[str | None, opt("--description", help="What the bucket is for")] = None
    history: Annotated[
        int | None, opt("--history", help="Values to keep of each key, 1 to 64", kind=INTEGER)
    ] = None
    ttl: Annotated[int | None, opt("--ttl", help="How long values are kept", kind=DURATION)] = None
    marker_ttl: Annotated[
        int | None,
        opt("--marker-ttl", help="Let keys have a TTL; markers stay so long", kind=DURATION),
    ] = None
    replicas: Annotated[
        int | None, opt("--replicas", help="Replicas of the data", kind=UNSIGNED)
    ] = None
    max_value_size: Annotated[
        int | None, opt("--max-value-size", help="Largest value", kind=SIZE)
    ] = None
    max_bucket_size: Annotated[
        int | None, opt("--max-bucket-size", help="Size of the bucket at most", kind=SIZE)
    ] = None
    tags: Annotated[list[str], opt("--tags", help="Place it on servers with these tags")] = field(
        default_factory=list
    )
    cluster: Annotated[str | None, opt("--cluster", help="Place it in this cluster")] = None
    compress: Annotated[
        bool | None, opt("--compress/--no-compress", help="Compress the data on the disk")
    ] = None
    metadata: Annotated[
        dict[str, str], opt("--metadata", help="Notes at the bucket", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    republish_source: Annotated[
        str | None, opt("--republish-source", help="Publish messages of this subject again")
    ] = None
    republish_destination: Annotated[
        str | None, opt("--republish-destination", help="Subject to publish them to")
    ] = None
    republish_headers: Annotated[bool, opt("--republish-headers", help="Publish headers only")] = (
        False
    )
    source: Annotated[
        list[str], opt("--source", help="Copy another bucket's values; may be repeated")
    ] = field(default_factory=list)

    def wish(self) -> Wish:
        """What of it is asked for."""
        return Wish(
            description=self.description,
            history=self.history,
            ttl_ns=self.ttl,
            marker_ttl_ns=self.marker_ttl,
            replicas=self.replicas,
            value_bytes=self.max_value_size,
            bucket_bytes=self.max_bucket_size,
            tags=tags_of(self.tags),
            cluster=self.cluster,
            compress=self.compress,
            metadata=self.metadata or None,
            republish_source=self.republish_source,
            republish_destination=self.republish_destination,
            republish_headers=self.republish_headers,
            sources=tuple(self.source),
        )


@dataclass(kw_only=True)
class AddOptions(BucketOptions):
    """Flags of `kv add`."""

    storage: Annotated[str | None, opt("--storage", help="Where it is stored", kind=STORAGE)] = None
    mirror: Annotated[str | None, opt("--mirror", help="Mirror another bucket")] = None
    mirror_domain: Annotated[
        str | None, opt("--mirror-domain", help="Domain of the mirrored bucket")
    ] = None

    def wish(self) -> Wish:
        return replace(
            super().wish(),
            storage=self.storage,
            mirror=self.mirror,
            mirror_domain=self.mirror_domain,
        )


@dataclass(kw_only=True)
class EditOptions(BucketOptions):
    """Flags of `kv edit`."""

    no_mirror: Annotated[
        bool | None,
        opt("--no-mirror/--no-no-mirror", help="Make a mirror an ordinary bucket"),
    ] = None

    def wish(self) -> Wish:
        return replace(super().wish(), no_mirror=bool(self.no_mirror))


async def add(session: Session, options: AddOptions) -> None:
    """Creates a bucket; nothing happens when it exists and is the same."""
    await create(session, options.bucket, new_config(options.bucket, options.wish()))
    await _show(session, options)


async def edit(session: Session, options: EditOptions) -> None:
    """Changes what is asked for."""
    bucket = await open_bucket(session, options.bucket)
    config = changed_config(bucket.name, bucket.config, options.wish())
    await session.js.request(f"STREAM.UPDATE.{bucket.stream}", config)
    await _show(session, options)


async def _show(session: Session, options: BucketOptions) -> None:
    bucket = await open_bucket(session, options.bucket)
    show_bucket(bucket, options)


def show_bucket(bucket: Bucket, options: Shown) -> None:
    """A bucket's screen, or its stream's information as data."""
    from pynats_cli.jetstream.kv.screens import bucket_screen

    show(options, shown_info(bucket.info), lambda: bucket_screen(bucket).render())
