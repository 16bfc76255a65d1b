"""The bridge beside an LMS with a vendor's manners."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from bridge.practice.rosters import Roster
from bridge.registry.registry import Registry
from tests.vendors.whole_way import WholeWay


@pytest.fixture(scope="session")
def lms_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


@pytest.fixture(scope="session")
def registry_with_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that has made its keys, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    with Registry.open(path) as registry:
        registry.keys.published()
    return path


@pytest.fixture
def beside(tmp_path: Path, lms_key: RSAKey, registry_with_keys: Path) -> Iterator[Callable[..., WholeWay]]:
    """Starts the bridge beside an LMS of a vendor, with a roster and, if need be, options of the platform."""
    shutil.copy(registry_with_keys, tmp_path / registry_with_keys.name)
    with ExitStack() as stack:

        def start(vendor: str, roster: Roster, **options: Any) -> WholeWay:
            return stack.enter_context(WholeWay(tmp_path, roster, vendor=vendor, key=lms_key, **options))

        yield start
