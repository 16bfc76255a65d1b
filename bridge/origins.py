"""Where a URL leads: what is meant for one origin is sent to no other.

Source: RFC 6454 section 4.
"""

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, each blank or 0 where the URL has none.

    :raises ValueError: if it cannot be read as a URL.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme, host, parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
