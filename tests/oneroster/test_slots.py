"""The memory that processes share: what it holds, who makes room for whom, and that nothing else is read from it."""

import errno
import os
import random
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.errors import ConfigError
from bridge.oneroster.slots import ITEMS, NEIGHBOURS, WINDOW, Slots

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000.0
SIZE = 8_390_656


class Item(NamedTuple):
    number: int
    text: str


@pytest.fixture
def path(tmp_path):
    return tmp_path / "slots"


@pytest.fixture
def slots(path):
    return opened(path)


def opened(path):
    return Slots.open(path, Item, kept_for=timedelta(days=1))


def put(slots, name, *items, owner="owner", now=NOW):
    slots.update(owner, name, now, lambda _: list(items))


def items(count, length=10):
    return [Item(number, f"{number:0{length}}") for number in range(count)]


def used(path):
    """Where in the file something is, from the first to the last byte."""
    content = path.read_bytes()
    begin = len(content) - len(content.lstrip(b"\0"))
    return begin, len(content.rstrip(b"\0"))


def write(path, position, content):
    with path.open("r+b") as file:
        file.seek(position)
        file.write(content)


# What is kept --------------------------------------------------------------------------------------------------------


def test_change_is_made_of_what_is_kept(slots):
    put(slots, "name", Item(1, "one"))

    slots.update("owner", "name", NOW, lambda held: [*held, Item(2, "two")])

    assert slots.get("owner", "name", NOW) == [Item(1, "one"), Item(2, "two")]
    assert slots.get("owner", "other", NOW) == slots.get("other", "name", NOW) == []


def test_latest_are_kept(slots):
    put(slots, "name", *items(ITEMS + 5))

    assert slots.get("owner", "name", NOW) == items(ITEMS + 5)[5:]


@pytest.mark.parametrize("length", [200, 300, 1_000, 1_990])
def test_as_many_are_kept_as_there_is_room_for(path, slots, length):
    put(slots, "name", *items(ITEMS, length))

    kept = opened(path).get("owner", "name", NOW)

    assert kept == slots.get("owner", "name", NOW) == items(ITEMS, length)[-len(kept) :]
    assert (len(kept) + 1) * (length + 5) > 2_048 - 50


def test_what_is_too_long_for_a_slot_is_left_out_and_nothing_else(path, slots):
    put(slots, "name", Item(1, "one"), Item(2, "x" * 2_048), Item(3, "three"))

    assert opened(path).get("owner", "name", NOW) == [Item(1, "one"), Item(3, "three")]


def test_what_was_kept_too_long_ago_is_not_there(slots):
    put(slots, "name", Item(1, "one"))

    assert slots.get("owner", "name", NOW + 86_400) == [Item(1, "one")]
    assert slots.get("owner", "name", NOW + 86_401) == []
    assert slots.get("owner", "name", NOW - 86_401) == []  # by a clock that was set back


def test_nothing_is_written_that_was_there_a_moment_ago(path, slots):
    put(slots, "name", Item(1, "one"))
    before = path.read_bytes()

    put(slots, "name", Item(1, "one"), now=NOW + 59)
    put(slots, "other", now=NOW + 59)
    assert path.read_bytes() == before

    put(slots, "name", Item(1, "one"), now=NOW + 60)
    assert slots.get("owner", "name", NOW + 86_460) == [Item(1, "one")]


def test_threads_do_not_lose_what_others_write(slots):
    threads = [
        threading.Thread(target=slots.update, args=("owner", "name", NOW, lambda held, item=item: [*held, item]))
        for item in items(ITEMS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(slots.get("owner", "name", NOW)) == items(ITEMS)


# Who makes room for whom ---------------------------------------------------------------------------------------------


def test_owner_keeps_her_latest_and_has_no_more_than_her_window(slots):
    names = [f"name {number}" for number in range(1_000)]
    for age, name in enumerate(reversed(names)):
        put(slots, name, Item(1, name), now=NOW - age)
    for age, name in enumerate(names):
        put(slots, name, Item(2, name), now=NOW + age)

    kept = [name for name in names if slots.get("owner", name, NOW + 1_000)]

    assert kept[-NEIGHBOURS:] == names[-NEIGHBOURS:]
    assert NEIGHBOURS <= len(kept) <= WINDOW
    assert all(slots.get("owner", name, NOW + 1_000) == [Item(2, name)] for name in kept)


def test_owner_of_a_thousand_names_pushes_out_those_alone_whose_window_overlaps_hers(slots):
    others = [f"other {number}" for number in range(300)]
    for other in others:
        put(slots, "name", Item(1, other), owner=other)
    assert all(slots.get(other, "name", NOW) for other in others)

    for number in range(1_000):
        put(slots, f"name {number}", Item(number, "mine"), now=NOW + 1 + number)

    left = [other for other in others if slots.get(other, "name", NOW + 1_001)]
    assert all(slots.get(other, "name", NOW + 1_001) == [Item(1, other)] for other in left)
    # Two windows of 64 overlap once in 32; of her 64 slots, so many may have been others' at most.
    assert len(others) - len(left) <= min(WINDOW, len(others) // 16)


def test_what_is_written_again_stays_while_others_come_and_go(slots):
    for number in range(1_000):
        now = NOW + number * 60
        put(slots, "the one", Item(1, "one"), now=now)
        put(slots, f"name {number}", Item(number, "other"), now=now)

    assert slots.get("owner", "the one", NOW + 60_000) == [Item(1, "one")]


@pytest.mark.parametrize("written", [-1.0, 3_600.0], ids=["longer ago than the others", "in the future"])
def test_oldest_makes_room_for_others(slots, written):
    put(slots, "the one", Item(1, "one"), now=NOW + written)

    for number in range(1_000):
        put(slots, f"name {number}", Item(number, "other"), now=NOW + number)

    assert slots.get("owner", "the one", NOW + 1_000) == []


# What else may be in the file ----------------------------------------------------------------------------------------


def test_changed_byte_makes_a_slot_empty(path, slots):
    put(slots, "name", *items(3))
    begin, end = used(path)
    content = path.read_bytes()[begin:end]

    for position, byte in enumerate(content):
        write(path, begin + position, bytes([byte ^ 0x10]))
        assert slots.get("owner", "name", NOW) == opened(path).get("owner", "name", NOW) == []
        write(path, begin + position, bytes([byte]))

    assert slots.get("owner", "name", NOW) == items(3)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_anywhere_is_never_taken_for_something(path, slots, seed):
    chance = random.Random(seed)
    names = [f"name {number}" for number in range(WINDOW)]
    for name in names:
        put(slots, name, Item(1, name))
    begin, end = used(path)
    for _ in range(60):
        write(path, chance.randrange(begin, end), chance.randbytes(chance.randrange(1, 200)))

    found = {name: opened(path).get("owner", name, NOW) for name in names}

    assert all(held in ([], [Item(1, name)]) for name, held in found.items())
    assert any(found.values())
    assert not all(found.values())


@pytest.mark.parametrize("size", [0, 1, 5_000, SIZE, SIZE + 1, SIZE * 2])
def test_file_of_any_size_full_of_something_else_is_empty_and_can_be_used(path, size):
    path.write_bytes(random.Random(size).randbytes(size))
    slots = opened(path)

    assert slots.get("owner", "name", NOW) == []
    put(slots, "name", *items(3))

    assert path.stat().st_size == SIZE
    assert opened(path).get("owner", "name", NOW) == items(3)


def test_torn_slot_holds_the_one_the_other_or_nothing(path, slots):
    put(slots, "name", *items(3))
    begin, _ = used(path)
    one = path.read_bytes()[begin : begin + 300]
    put(slots, "name", *items(5, length=12), now=NOW + 1)
    other = path.read_bytes()[begin : begin + 300]
    assert one[:100] != other[:100]

    seen = []
    for position in range(301):
        write(path, begin, one[:position] + other[position:])
        held = slots.get("owner", "name", NOW)
        assert held == opened(path).get("owner", "name", NOW)
        seen.append(held)

    assert [held for held in seen if held] == [held for held in seen if held in (items(3), items(5, length=12))]
    assert seen[0] == items(5, length=12)
    assert seen[-1] == items(3)
    assert seen[40] == []


WRITER = """
import sys
from datetime import timedelta
from pathlib import Path
from bridge.oneroster.slots import Slots

slots = Slots.open(Path(sys.argv[1]), tuple[int, str], kept_for=timedelta(days=1))
first, length = map(int, sys.argv[2:])
print("ready", flush=True)
for number in range(first, first + 20_000, 2):
    slots.update("owner", "name", 1_800_000_000.0, lambda held: [*held, (number, str(number) * length)])
slots.update("owner", f"done {first}", 1_800_000_000.0, lambda _: [(first, "done")])
"""


def test_what_two_processes_write_at_once_is_read_whole_or_not_at_all(path, slots):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first), str(length)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for first, length in ((0, 3), (1, 17))
    ]
    for writer in writers:
        assert writer.stdout.readline() == b"ready\n"
    reads = found = 0
    while any(writer.poll() is None for writer in writers) or not reads:
        held = slots.get("owner", "name", NOW)
        assert all(text in (str(number) * 3, str(number) * 17) for number, text in held)
        reads, found = reads + 1, found + bool(held)

    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert found
    assert [slots.get("owner", f"done {first}", NOW) for first in (0, 1)] == [[Item(0, "done")], [Item(1, "done")]]


# Forgetting ----------------------------------------------------------------------------------------------------------


def test_nothing_is_left_in_the_file_of_what_was_forgotten(path, slots):
    for number in range(100):
        put(slots, f"name {number}", Item(1, "Abara"))
    assert b"Abara" in path.read_bytes()

    slots.forget_all()

    assert not any(path.read_bytes()[16:])
    assert slots.get("owner", "name 99", NOW) == []


def test_process_that_had_read_it_does_not_bring_back_what_was_forgotten(path, slots):
    other = opened(path)
    put(slots, "name", Item(1, "Abara"))
    assert other.get("owner", "name", NOW)

    slots.forget_all()
    other.update("owner", "name", NOW, lambda held: [*held, Item(2, "Cole")])

    assert slots.get("owner", "name", NOW) == [Item(2, "Cole")]
    assert b"Abara" not in path.read_bytes()


def test_process_keeps_nothing_of_what_another_has_forgotten_from_its_next_look_on(path, slots):
    other = opened(path)
    put(slots, "name", Item(1, "Abara"))
    assert other.get("owner", "name", NOW)

    slots.forget_all()
    other.get("owner", "another name", NOW)

    assert "Abara" not in repr(vars(other))


def test_nothing_of_a_former_era_counts_before_it_is_wiped(path, slots):
    put(slots, "name", Item(1, "Abara"))

    write(path, 0, bytes(15) + b"\x01")  # as another process does, before all else

    assert slots.get("owner", "name", NOW) == opened(path).get("owner", "name", NOW) == []


def test_what_is_being_written_while_all_is_forgotten_is_forgotten_too(path, slots):
    other = opened(path)
    put(slots, "name", Item(1, "Abara"))

    def change(held):
        other.forget_all()
        return [*held, Item(2, "Cole")]

    slots.update("owner", "name", NOW, change)

    assert not any(path.read_bytes()[16:])
    assert slots.get("owner", "name", NOW) == other.get("owner", "name", NOW) == []


# The file ------------------------------------------------------------------------------------------------------------


def test_file_is_readable_by_its_owner_only(path, slots):
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("possible", [True, False], ids=["allocated", "written"])
def test_there_is_room_for_all_of_it_on_the_disk(path, monkeypatch, possible):
    if not possible:

        def refuse(*_):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

        monkeypatch.setattr(os, "posix_fallocate", refuse)

    put(opened(path), "name", *items(3))
    slots = opened(path)

    assert path.stat().st_blocks * 512 >= path.stat().st_size == SIZE
    assert slots.get("owner", "name", NOW) == items(3)


def test_file_with_holes_is_filled(path):
    path.touch()
    os.truncate(path, SIZE)

    opened(path)

    assert path.stat().st_blocks * 512 >= SIZE


def test_path_that_is_no_file_is_refused(path):
    path.mkdir()

    with pytest.raises(ConfigError, match=r"slots: cannot be used: Is a directory; it needs 8.4 MB"):
        opened(path)


def test_full_disk_is_told_of_before_anything_is_written(path):
    code = (
        "import resource, sys; from bridge.oneroster.slots import Slots; from datetime import timedelta;"
        "from pathlib import Path; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000));"
        "Slots.open(Path(sys.argv[1]), int, kept_for=timedelta(days=1))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "ConfigError" in done.stderr
    assert "cannot be used: File too large; it needs 8.4 MB on a local disk" in done.stderr


def test_items_of_another_version_count_as_nothing_and_are_replaced(path, slots):
    put(slots, "list", *items(2))
    later = Slots.open(path, str, kept_for=timedelta(days=1))

    assert later.get("owner", "list", NOW) == []
    later.update("owner", "list", NOW, lambda held: [*held, "new"])
    assert later.get("owner", "list", NOW) == ["new"]
