"""A small memory that all processes share: a file of fixed size, mapped by each, without a lock between them.

The file is cut into slots, each with the latest items of one list, which has an owner and a name. What two processes
write to one slot at the same moment may be mixed up, and either may lose what the other has written; a checksum over
everything tells what is whole, and what is not counts as nothing. So does whatever else might be found in the file. A
new list takes the place of the oldest of the few in which it may lie: who needs to be sure of anything keeps it
elsewhere.

All slots of an owner lie in one window of the file, so one who writes under ever new names pushes out her own lists and
those of whoever's windows overlap hers, and nobody else's.

What was there when all was forgotten does not come back through a process that had read it before: it belongs to a
former era, of which nothing counts, and what is written of one is wiped at once.
"""

import errno
import mmap
import os
import struct
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Generic, NamedTuple, Self, TypeVar

import msgspec

from bridge import storage
from bridge.errors import ConfigError

SLOTS = 4_096
WINDOW = 64
"""Slots, one behind the other, in which everything of one owner lies."""
NEIGHBOURS = 8
"""Slots, one behind the other, of which one name may have any."""
ITEMS = 16
"""The most items of one list."""

_SLOT = 2_048
_SIZE = _SLOT * (1 + SLOTS)  # the first holds the era, and nothing else
_ERA = slice(0, 16)

# A slot: a checksum over what follows; tag, seconds since 1970, length; the items in MessagePack.
_CHECKSUM = 16
_REST = struct.Struct("<16sdH")
_HEAD = _CHECKSUM + _REST.size
_ROOM = _SLOT - _HEAD
_TAGS = struct.Struct("<" + f"16x16s{_SLOT - 32}x" * NEIGHBOURS)
_TIMES = struct.Struct("<" + f"32xd{_SLOT - 40}x" * NEIGHBOURS)
_LENGTH = 3
"""The most bytes in which a list says how long it is."""

_NOT_STALE = 60.0
"""Seconds for which a slot need not say again when it was written."""
_SEEN = 500
"""How many slots a process remembers as it saw them last: what still looks the same is not looked into again."""
_CANNOT_ALLOCATE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}
"""What file systems say that cannot give room to a file before it is written."""

T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode


class _Seen(NamedTuple, Generic[T]):
    """What was whole when it was seen.

    :param whole: the slot's bytes, as far as they mean anything.
    :param slot: where it begins.
    :param kept: when, in seconds since 1970.
    """

    era: bytes
    whole: bytes
    slot: int
    kept: float
    items: list[T]


class Slots(Generic[T]):
    """The memory, as this process has it mapped. Serves all threads, for as long as anybody refers to it.

    Lists that it gives are not to be changed.
    """

    def __init__(self, memory: mmap.mmap, item: type[T], kept_for: timedelta) -> None:
        self._memory = memory
        self._decode: Callable[[bytes], list[T]] = msgspec.msgpack.Decoder(list[item]).decode  # type: ignore[valid-type]  # known when it runs
        self._kept_for = kept_for.total_seconds()
        self._writing = threading.Lock()
        self._seen: dict[bytes, _Seen[T]] = {}  # by their tags
        self._era = b""

    @classmethod
    def open(cls, path: Path, item: type[T], *, kept_for: timedelta) -> Self:
        """Map the file, made (readable by its owner only) if it is not there.

        :param item: what the lists hold: something that MessagePack can.
        :param kept_for: what was kept longer ago is not there any more.
        :raises ConfigError: if it cannot be made or mapped, or there is no room for it.
        """
        try:
            storage.make_folder(path.parent)
            memory = _map(path)
        except OSError as error:
            problem = f"{path}: cannot be used: {error.strerror}"
            remedy = f"it needs {_SIZE / 1e6:.1f} MB on a local disk, and a file that the bridge may read and write"
            raise ConfigError([f"{problem}; {remedy}. While the bridge does not run, it may be deleted"]) from error
        return cls(memory, item, kept_for)

    def get(self, owner: str, name: str, now: float) -> list[T]:
        """What is kept under this name; nothing if it is not there, not whole, or too old.

        :param now: seconds since 1970.
        """
        seen = self._look(*_where(owner, name), self._memory[_ERA])
        return seen.items if seen is not None and abs(now - seen.kept) <= self._kept_for else []

    def update(self, owner: str, name: str, now: float, change: Callable[[list[T]], list[T]]) -> None:
        """Put something else under a name: the latest :data:`ITEMS`, as far as there is room for them.

        An item that is too long for a slot is left out. What is there already, and was kept a moment ago, is not
        written again.

        :param now: seconds since 1970.
        :param change: makes of what is kept what is to be kept, the latest last.
        """
        memory = self._memory
        with self._writing:
            era = memory[_ERA]
            tag, first = _where(owner, name)
            seen = self._look(tag, first, era)
            age = 0.0 if seen is None else abs(now - seen.kept)
            held = seen.items if seen is not None and age <= self._kept_for else []
            items = change(held)[-ITEMS:]
            if items == held and age < _NOT_STALE:
                return
            slot = self._place(tag, first, now) if seen is None else seen.slot
            items, text = _fitting(items)
            rest = _REST.pack(tag, now, len(text)) + text
            whole = _checksum(era, rest) + rest
            memory[slot : slot + len(whole)] = whole
            if memory[_ERA] == era:
                self._note(tag, _Seen(era, whole, slot, now, items))
            else:  # all was forgotten meanwhile, and that may have passed this slot already
                memory[slot : slot + _SLOT] = bytes(_SLOT)

    def forget_all(self) -> None:
        """Forget everything; when this returns, nothing of it is in the file any more."""
        with self._writing:
            self._seen.clear()
            self._memory[_ERA] = os.urandom(16)  # before all else: see `update`
            self._memory[_SLOT:] = bytes(_SIZE - _SLOT)
            self._memory.flush()

    def _look(self, tag: bytes, first: int, era: bytes) -> _Seen[T] | None:
        """What is whole under this tag, however old."""
        memory = self._memory
        if era != self._era:  # all was forgotten
            self._seen.clear()
            self._era = era
        seen = self._seen.get(tag)
        if seen is not None and memory[seen.slot : seen.slot + len(seen.whole)] == seen.whole and seen.era == era:
            return seen
        slot = self._slot_of(tag, first)
        if slot is None:
            return None
        whole = memory[slot : slot + _SLOT]
        _, kept, length = _REST.unpack_from(whole, _CHECKSUM)
        whole = whole[: _HEAD + length]
        if _checksum(era, whole[_CHECKSUM:]) != whole[:_CHECKSUM]:
            return None
        try:
            items = self._decode(whole[_HEAD:])
        except msgspec.DecodeError:
            return None  # another version's
        return self._note(tag, _Seen(era, whole, slot, kept, items))

    def _note(self, tag: bytes, seen: _Seen[T]) -> _Seen[T]:
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen[tag] = seen
        return seen

    def _place(self, tag: bytes, first: int, now: float) -> int:
        """Where the slot begins that a list has, or else the oldest that it may have."""
        slot = self._slot_of(tag, first)
        if slot is None:
            # An empty one is the oldest, and so is one from the future.
            times = [time if time <= now else 0.0 for time in _TIMES.unpack_from(self._memory, first)]
            slot = first + times.index(min(times)) * _SLOT
        return slot

    def _slot_of(self, tag: bytes, first: int) -> int | None:
        """Where the slot with this tag begins, if one of the neighbours from the first on has it."""
        tags = _TAGS.unpack_from(self._memory, first)
        return first + tags.index(tag) * _SLOT if tag in tags else None


@lru_cache(maxsize=1_000)
def _window(owner: str) -> tuple[bytes, int]:
    digest = blake2b(owner.encode(), digest_size=16).digest()
    return digest, 1 + int.from_bytes(digest) % (SLOTS - WINDOW + 1)


def _where(owner: str, name: str) -> tuple[bytes, int]:
    """What tells a list from all others, and where in the file the first of the slots begins in which it may lie."""
    digest, window = _window(owner)
    tag = blake2b(name.encode(), digest_size=16, key=digest).digest()
    return tag, (window + tag[0] % (WINDOW - NEIGHBOURS + 1)) * _SLOT


def _checksum(era: bytes, rest: bytes) -> bytes:
    return blake2b(rest, digest_size=_CHECKSUM, salt=era).digest()


def _fitting(items: list[T]) -> tuple[list[T], bytes]:
    """The latest items that a slot has room for, and how they are written."""
    text = _encode(items)
    if len(text) <= _ROOM:
        return items, text
    fitting: list[T] = []
    room = _ROOM - _LENGTH
    for item in reversed(items):
        size = len(_encode(item))
        if size <= room:
            fitting.insert(0, item)
            room -= size
    return fitting, _encode(fitting)


def _map(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size > _SIZE:
            os.ftruncate(descriptor, _SIZE)
        _allocate(descriptor, size)
        return mmap.mmap(descriptor, _SIZE)
    finally:
        os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    """Have room for the file on the disk: a process that writes to a mapping for which there is none is killed."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
        except OSError as error:
            if error.errno not in _CANNOT_ALLOCATE:
                raise
        else:
            return
    missing = _SIZE - size
    while missing > 0:
        missing -= os.pwrite(descriptor, bytes(missing), _SIZE - missing)
