"""Bearer tokens that the bridge issues: random texts that say nothing, kept as hashes."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from bridge.registry.tokens import StoredToken, Tokens


def issue_token(tokens: Tokens, client_id: str, scopes: Iterable[str], *, lifetime: timedelta) -> str:
    """Make a token for a consumer or a tool and return it; nobody can read it back afterwards."""
    token = secrets.token_urlsafe(32)
    tokens.add(token_hash(token), client_id, scopes, lifetime)
    return token


def find_token(tokens: Tokens, token: str) -> StoredToken | None:
    """What a presented token is good for; ``None`` if it is unknown or has expired."""
    return tokens.find(token_hash(token))


def token_hash(token: str) -> bytes:
    """What a token is known by."""
    return hashlib.sha256(token.encode()).digest()
