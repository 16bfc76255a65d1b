"""What loads need, for as long as they last."""

from bench.serving import UNHINDERED
from bridge.settings import load_settings

LONGEST = 60 * 60
"""Seconds of mixed load, with ``--full``."""


def test_tokens_outlast_the_longest_load():
    settings = load_settings(environ=UNHINDERED)

    assert settings.oneroster.token_lifetime > 2 * LONGEST
