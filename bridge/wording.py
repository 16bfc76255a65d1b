"""How counts are put into words, on the pages and on the command line alike."""


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "person", "people"), counted(12000, "person", "people")
    ('1 person', '12,000 people')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
