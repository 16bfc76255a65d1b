"""Bearer tokens that the bridge issues: random texts that say nothing, kept as hashes."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from bridge.registry.registry import Registry
from bridge.registry.tokens import StoredToken


def issue_token(registry: Registry, client_id: str, scopes: Iterable[str], *, lifetime: timedelta) -> str:
    """Make a token for a client and return it; nobody can read it back afterwards."""
    token = secrets.token_urlsafe(32)
    registry.tokens.add(token_hash(token), client_id, scopes, lifetime)
    return token


def find_token(registry: Registry, token: str) -> StoredToken | None:
    """What a presented token is good for; ``None`` if it is unknown or has expired."""
    return registry.tokens.find(token_hash(token))


def token_hash(token: str) -> bytes:
    """What a token is known by."""
    return hashlib.sha256(token.encode()).digest()
