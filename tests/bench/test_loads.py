"""What loads need: tokens for as long as they last, and offsets at which there is something."""

from bench.fill import Size, fill, size_of
from bench.serving import UNHINDERED
from bridge.settings import load_settings

LONGEST = 60 * 60
"""Seconds of mixed load, with ``--full``."""


def test_tokens_outlast_the_longest_load():
    settings = load_settings(environ=UNHINDERED)

    assert settings.oneroster.token_lifetime > 2 * LONGEST


def test_filled_folder_knows_its_size(tmp_path):
    fill(tmp_path, Size(2_000))

    assert size_of(tmp_path) == Size(2_000)
