"""docs/conformance-nrps.md names tests that there are, and switches that there are."""

import re
from dataclasses import fields
from pathlib import Path

from bridge.practice.manners import Manners

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "conformance-nrps.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_is_there():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+|Test\w+)[\[`]", TEXT))

    assert len(named) > 30
    assert sorted(name for name in named if not re.search(rf"(def|class) {name}\b", sources)) == []


def test_every_switch_of_a_fault_is_named():
    not_faults = {
        *("page_size", "largest_page", "position", "other_links", "wrong_accept", "lenient", "rlid", "share_names"),
        *("share_email", "short_roles", "role_forms", "status", "escaped", "hides_inactive", "known_users"),
        *("most_members", "plain_errors", "scope_status", "oauth_media_type", "renews_differences", "login_method"),
        *("throttle", "fail_next"),
    }

    assert {field.name for field in fields(Manners) if f"`{field.name}" not in TEXT} <= not_faults
