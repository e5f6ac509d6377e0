"""Random work, a kill, and a block that goes: exactly what lived in it is lost, nothing that was
removed comes back but what that block alone says of removals, and the good file heals it all."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore
from pynats_server.jetstream.store.format.crypt import Keys

from tests.crash.store.test_power_cut import FORMS, Script
from tests.support.crashdisk import CrashDisk, QuickDisk
from tests.support.fuzzing import examples


def hurt(path: Path, how: str) -> None:
    if how == "delete":
        path.unlink()
    elif how == "zero":
        path.write_bytes(bytes(path.stat().st_size))
    else:
        path.write_bytes(b"")


def look(config: FileConfig) -> tuple[set[int], list[int], int]:
    """What is served, what is lost, and how many messages count."""
    store = FileStore(config, disk=QuickDisk())
    found = {seq for seq, _ in store.oldest()}
    lost, msgs = list(store.lost), store.msgs
    store.close()
    return found, lost, msgs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(examples(3)))
def test_a_block_that_goes_takes_what_lived_in_it_and_nothing_else(
    scratch: Path, form: str, seed: int
) -> None:
    root, image = scratch / "live", scratch / "image"
    cipher: Any = form if form == "chacha" else None
    keys = Keys("k", "A", cipher) if cipher else None
    config = FileConfig("S", root, block_size=400, compress=form == "s2", keys=keys)
    script = Script(config, CrashDisk(root), form, seed)
    moved, chance, damaged = replace(config, folder=image), random.Random(seed), 0
    for number in range(60):
        script.step(number)
        if chance.random() < 0.5:
            continue
        script.commit()
        blocks = [block for block in script.store.blocks[:-1] if block.msgs]
        if not blocks:
            continue
        block = chance.choice(blocks)
        held = [seq for seq in sorted(script.live) if block.first_seq <= seq <= block.last_seq]
        if not block.loaded:
            script.store.load_block(block)
        tombs = {seq for seq, _ in block.tombstones()}
        told = {seq for seq in script.gone if seq <= block.floor or seq in tombs}
        shutil.rmtree(image, ignore_errors=True)
        shutil.copytree(root, image)
        path = image / "msgs" / f"{block.index}.blk"
        good, how = path.read_bytes(), chance.choice(["delete", "zero", "empty"])
        hurt(path, how)
        for start in range(2):
            where = f"step {number}, {how} of {block.index}, start {start}"
            found, _, _ = look(moved)  # reads all, so also what only shows then
            again, lost, msgs = look(moved)
            assert lost == held, where
            assert found == again, where
            assert script.live - set(held) <= found <= (script.live | told) - set(held), where
            assert msgs == len(found), where
        path.write_bytes(good)
        for start in range(2):
            assert look(moved) == (script.live, [], len(script.live)), (number, how, start)
        damaged += 1
    assert damaged > 5
    script.store.close()
