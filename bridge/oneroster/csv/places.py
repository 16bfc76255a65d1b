"""Where in the files each record of a snapshot stood, in four bytes a record."""

from array import array
from bisect import bisect_right

_HELD = 0
"""The line of what came from the mirror, and not from a file."""


class Places:
    """Files and lines, by position in the snapshot."""

    def __init__(self) -> None:
        self._lines = array("I")
        self._files: list[tuple[int, str]] = []

    def enter(self, file: str) -> None:
        """What follows is from this file."""
        self._files.append((len(self._lines), file))

    def note(self, line: int = _HELD) -> int:
        """The position of the next record, which stands on this line, or in no file."""
        self._lines.append(line)
        return len(self._lines) - 1

    def locate(self, position: int) -> tuple[str, int] | None:
        """The file and the line of the record at a position; ``None`` if it came from no file."""
        if not 0 <= position < len(self._lines) or self._lines[position] == _HELD:
            return None
        place = bisect_right(self._files, position, key=lambda entry: entry[0]) - 1
        return self._files[place][1], self._lines[position]
