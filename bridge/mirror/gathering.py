"""What a source states one by one, gathered into lists, so that what it repeats is looked for in one step."""

from collections.abc import Iterable, Iterator

from bridge.roster.ports import Listed, Said, Stated

_MOST = 1000
_MOST_BYTES = 1024 * 1024


def gathered(said: Iterable[Said]) -> Iterator[Said]:
    """The same in the same order: members, or records, that follow each other are listed together."""
    together: list[Stated] = []
    size = 0
    for item in said:
        fits = isinstance(item, Stated) and item.kind.counted and (not together or item.kind is together[0].kind)
        if together and (not fits or len(together) >= _MOST or size >= _MOST_BYTES):
            yield _listed(together)
            together, size = [], 0
        if isinstance(item, Stated) and item.kind.counted:
            together.append(item)
            size += len(item.raw)
        else:
            yield item
    if together:
        yield _listed(together)


def _listed(together: list[Stated]) -> Listed:
    subjects, raws = [item.subject for item in together], [item.raw for item in together]
    return Listed(together[0].kind, subjects, raws, together.__getitem__)
