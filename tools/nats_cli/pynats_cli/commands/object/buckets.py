"""`pynats object add` and `object edit`: the configuration of a bucket."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION, KEY_VALUE, SIZE, UNSIGNED

from pynats_cli.commands.buckets import STORAGE, create, tags_of
from pynats_cli.connect.session import Session
from pynats_cli.flags import Shown
from pynats_cli.jetstream.bucket import BucketWish
from pynats_cli.jetstream.objects.bucket import ObjectBucket, changed_config, new_config
from pynats_cli.jetstream.objects.store import open_objects
from pynats_cli.jetstream.streams.fields import shown_info
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class EditOptions(Shown):
    """Flags of `object edit`, and most of `object add`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    ttl: Annotated[int | None, opt("--ttl", help="How long objects are kept", kind=DURATION)] = None
    replicas: Annotated[
        int | None, opt("--replicas", help="Replicas of the data", kind=UNSIGNED)
    ] = None
    max_bucket_size: Annotated[
        int | None, opt("--max-bucket-size", help="Size of the bucket at most", kind=SIZE)
    ] = None
    description: Annotated[str | None, opt("--description", help="What the bucket is for")] = None
    tags: Annotated[list[str], opt("--tags", help="Place it on servers with these tags")] = field(
        default_factory=list
    )
    cluster: Annotated[str | None, opt("--cluster", help="Place it in this cluster")] = None
    metadata: Annotated[
        dict[str, str], opt("--metadata", help="Notes at the bucket", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    compress: Annotated[
        bool | None, opt("--compress/--no-compress", help="Compress the data on the disk")
    ] = None

    def wish(self) -> BucketWish:
        """What of it is asked for."""
        return BucketWish(
            description=self.description,
            ttl_ns=self.ttl,
            replicas=self.replicas,
            bucket_bytes=self.max_bucket_size,
            tags=tags_of(self.tags),
            cluster=self.cluster,
            metadata=self.metadata or None,
            compress=self.compress,
        )


@dataclass(kw_only=True)
class AddOptions(EditOptions):
    """Flags of `object add`."""

    storage: Annotated[str | None, opt("--storage", help="Where it is stored", kind=STORAGE)] = None

    def wish(self) -> BucketWish:
        return replace(super().wish(), storage=self.storage)


async def add(session: Session, options: AddOptions) -> None:
    """Creates a bucket; nothing happens when it exists and is the same."""
    await create(session, options.bucket, new_config(options.bucket, options.wish()))
    await show_again(session, options.bucket, options)


async def edit(session: Session, options: EditOptions) -> None:
    """Changes what is asked for."""
    bucket = (await open_objects(session, options.bucket)).bucket
    config = changed_config(bucket.config, options.wish())
    await session.js.request(f"STREAM.UPDATE.{bucket.stream}", config)
    await show_again(session, options.bucket, options)


async def show_again(session: Session, name: str, options: Shown) -> None:
    """The bucket as it is now."""
    show_bucket((await open_objects(session, name)).bucket, options)


def show_bucket(bucket: ObjectBucket, options: Shown) -> None:
    """A bucket's screen, or its stream's information as data."""
    from pynats_cli.jetstream.objects.screens import bucket_screen

    show(options, shown_info(bucket.info), lambda: bucket_screen(bucket).render())
