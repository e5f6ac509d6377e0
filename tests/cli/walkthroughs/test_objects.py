"""The object store."""
# ruff: noqa: E501 - screens are as wide as they are
# fmt: off

from __future__ import annotations

from textwrap import dedent

from tests.cli.preloading import preload
from tests.cli.walkthroughs.lines import File, Line, Seen, User

preload("object", also=("pynats_cli.jetstream.objects.screens",))


def bucket(before: str = "", sealed: bool = False, size: str = "<size>") -> str:
    """What is said first, and then the bucket's screen."""
    return dedent(before) + dedent(f"""\
        Information for Object Store Bucket myobjbucket created <time>

        Configuration:

                  Bucket Name: myobjbucket
                     Replicas: 1
                          TTL: unlimited
                       Sealed: {str(sealed).lower()}
                         Size: {size}
          Maximum Bucket Size: unlimited
                      Storage: File
           Backing Store Kind: JetStream
             JetStream Stream: OBJ_myobjbucket

        Cluster Information:

                         Name:
                       Leader: <key>""")


LINES = (
    Line("nats object add myobjbucket", bucket(size="0 B")),
    File("Movies/NATS-logo.mov", "NATS" * 90_000),
    Line("nats object put myobjbucket {home}/Movies/NATS-logo.mov --no-progress", """
        Object information for myobjbucket > {home}/Movies/NATS-logo.mov

                       Size: 352 KiB
          Modification Time: <time>
                     Chunks: 3
                     Digest: SHA-256 6418c7ee4112b87ff15b252299f51bf180e8df1648224134dd1b901e3d7c3f84"""),
    Line("nats object watch myobjbucket", "[<time>] PUT myobjbucket > {home}/Movies/NATS-logo.mov: 352 KiB bytes in 3 chunks", stays="w"),
    Line("nats object put --name /Movies/NATS-logo.mov myobjbucket {home}/Movies/NATS-logo.mov", """
        Object information for myobjbucket > /Movies/NATS-logo.mov

                       Size: 352 KiB
          Modification Time: <time>
                     Chunks: 3
                     Digest: SHA-256 6418c7ee4112b87ff15b252299f51bf180e8df1648224134dd1b901e3d7c3f84"""),
    Line("nats object ls myobjbucket", """
        │ Bucket Contents │
        │ Name │ Size │ Time │
        │ {home}/Movies/NATS-logo.mov │ 352 KiB │ <time> │
        │ /Movies/NATS-logo.mov │ 352 KiB │ <time> │"""),
    Line("nats object get myobjbucket {home}/Movies/NATS-logo.mov", "Wrote: 352 KiB to {home}/NATS-logo.mov in <age>"),
    Line("nats object get myobjbucket --output {home}/out.mov /Movies/NATS-logo.mov", "Wrote: 352 KiB to {home}/out.mov in <age>"),
    Line("nats object info myobjbucket {home}/Movies/NATS-logo.mov", """
        Object information for myobjbucket > {home}/Movies/NATS-logo.mov

                       Size: 352 KiB
          Modification Time: <time>
                     Chunks: 3
                     Digest: SHA-256 6418c7ee4112b87ff15b252299f51bf180e8df1648224134dd1b901e3d7c3f84"""),
    Line("nats object rm myobjbucket {home}/Movies/NATS-logo.mov", bucket("""
        ? Delete 352 KiB byte file myobjbucket > {home}/Movies/NATS-logo.mov? Yes
        Removed myobjbucket > {home}/Movies/NATS-logo.mov
        """), answers=(("NATS-logo.mov? (y/N)", "y\r"),)),
    Line("nats object info myobjbucket", bucket()),
    Seen("w", """
        [<time>] PUT myobjbucket > {home}/Movies/NATS-logo.mov: 352 KiB bytes in 3 chunks
        [<time>] PUT myobjbucket > /Movies/NATS-logo.mov: 352 KiB bytes in 3 chunks
        [<time>] DEL myobjbucket > {home}/Movies/NATS-logo.mov"""),
    Line("nats object seal myobjbucket", """
        ? Really seal Bucket myobjbucket, sealed buckets can not be unsealed or modified No
        not sealed""", answers=(("(y/N)", "\r"),)),
    Line("nats object seal myobjbucket", bucket("""
        ? Really seal Bucket myobjbucket, sealed buckets can not be unsealed or modified Yes
        myobjbucket has been sealed
        """, sealed=True), answers=(("(y/N)", "y\r"),)),
    Line("nats object put myobjbucket --name x {home}/Movies/NATS-logo.mov", "pynats: error: invalid operation on sealed stream (10109)", code=1),
    Line("nats object ls", """
        │ Object Store Buckets │
        │ Bucket │ Description │ Created │ Size │ Last Update │
        │ myobjbucket │ │ <time> │ <size> │ <age> │"""),
    Line("nats object rm myobjbucket", "? Delete bucket myobjbucket and all its files? Yes", answers=(("(y/N)", "y\r"),)),
    Line("nats object ls", "No Object Store buckets found"),
)


def test_objects(user: User) -> None:
    user.follow(LINES)
