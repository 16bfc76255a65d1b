"""Which sources a client or a tool may see: all of them is a word of its own, and never what an empty list means."""

import re

import pytest

from bridge.oneroster.scopes import ROSTER
from tests.admin.conftest import words

CLIENT = {"privacy": "public"}
TOOL = {"shares": ["names"], "user_ids": "lms"}


@pytest.fixture(params=["client", "tool"])
def limits(request, site, context):
    """The form about one who sees a single source; and what that one sees."""
    registry = site.wiring.registry
    if request.param == "client":
        client, _ = registry.clients.add("consumer", scopes=[ROSTER], sources=["school"])
        number, fields, found = client.client_id, CLIENT, registry.clients.by_id
    else:
        tool = registry.tools.add("Seating plan", jwks_url="https://tool.example.org/jwks", sources=["school"])
        number, fields, found = tool.client_id, TOOL, registry.tools.get
    return f"/admin/{request.param}s/{number}/limits", fields, lambda: found(number).sources


def test_only_these_with_none_ticked_is_refused_and_says_what_to_do(operator, limits):
    path, fields, sources = limits

    answer = operator.post(path, reach="these", **fields)

    assert "Tick at least one source. One that is to see nothing at all is revoked" in words(answer)
    assert sources() == {"school"}


def test_all_are_seen_once_all_are_chosen_though_the_boxes_are_left_as_they_were(operator, limits):
    path, fields, sources = limits

    operator.post(path, reach="all", sources="school", **fields)

    assert sources() is None


def test_box_ticked_beside_all_is_refused_because_one_of_both_was_not_meant(operator, limits):
    path, fields, sources = limits
    operator.post(path, reach="all", **fields)

    answer = operator.post(path, reach="all", sources="school", **fields)

    assert "choose “only these”" in words(answer)
    assert sources() is None


@pytest.mark.parametrize("reach", [{}, {"reach": "some"}], ids=["nothing chosen", "an unknown choice"])
def test_form_that_does_not_say_which_changes_nothing(operator, limits, reach):
    path, fields, sources = limits

    operator.post(path, sources="school", **reach, **fields)

    assert "It sees this from its next request on" not in words(operator.page)
    assert sources() == {"school"}


def test_form_shows_what_was_chosen(operator, limits):
    path, fields, _ = limits
    assert ticked(operator.get(path).text) == {"these", "school"}

    operator.post(path, reach="all", **fields)

    assert ticked(operator.get(path).text) == {"all"}


@pytest.mark.parametrize("path", ["clients/new", "tools/new"])
def test_whoever_registers_says_which_before_anything_is_seen(site, operator, context, path):
    assert ticked(operator.get(f"/admin/{path}").text) == set()

    answer = operator.post(
        f"/admin/{path}", name="reader", scopes=ROSTER, jwks_url="https://tool.example.org/jwks", **CLIENT | TOOL
    )

    assert "Choose one of these two." in words(answer)
    assert (site.wiring.registry.clients.all(), site.wiring.registry.tools.all()) == ([], [])


def test_refusal_describes_the_group_and_each_of_its_choices(operator, limits):
    path, fields, _ = limits

    page = operator.post(path, reach="these", **fields).text

    assert '<fieldset class="mb-3" aria-describedby="reach-error"><legend' in page
    choices = re.findall(r'<input [^>]*name="(?:reach|sources)"[^>]*>', page)
    assert len(choices) == 3
    assert [one for one in choices if 'aria-describedby="reach-error"' not in one] == []
    assert 'id="reach-error"' in page


def ticked(page):
    """The choices among sources that stand ticked."""
    return {
        re.search(r'value="([^"]+)"', one)[1]
        for one in re.findall(r'<input [^>]*name="(?:reach|sources)"[^>]*>', page)
        if " checked" in one
    }
