"""Python's collections look at few objects, however many a server has."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from pynats_server.work.garbage import settle_down

gc.disable()
settle_down()
looked_at = []

def watch(phase, info):
    if phase == "start" and info["generation"] == 2:
        looked_at.append(sum(len(gc.get_objects(generation)) for generation in range(3)))

gc.callbacks.append(watch)
kept = [[number] for number in range(300_000)]

class Circle:
    pass

circle = Circle()
circle.itself = circle
gone = weakref.ref(circle)
del circle
more = [[number] for number in range(50_000)]
assert gone() is None
print(max(looked_at), gc.get_freeze_count())
"""


def test_a_full_collection_looks_at_what_is_new() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    most, frozen = map(int, done.stdout.split())
    assert most < 50_000
    assert frozen > 250_000
