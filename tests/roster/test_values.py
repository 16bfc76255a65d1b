"""Values at a path: every scalar, as text, through lists and objects."""

import pytest

from bridge.roster.values import values_at


@pytest.mark.parametrize(
    ("document", "path", "values"),
    [
        pytest.param({"role": "teacher"}, "role", ["teacher"], id="scalar"),
        pytest.param({"class": {"sourcedId": "c1"}}, "class.sourcedId", ["c1"], id="reference"),
        pytest.param({"terms": [{"sourcedId": "t2"}, {"sourcedId": "t1"}]}, "terms.sourcedId", ["t2", "t1"], id="list"),
        pytest.param({"roles": [{"org": {"sourcedId": "o"}}, {}]}, "roles.org.sourcedId", ["o"], id="list-of-objects"),
        pytest.param({"grades": ["09", "10", "09"]}, "grades", ["09", "10", "09"], id="repetitions-stay"),
        pytest.param({"grades": ["", " "]}, "grades", ["", " "], id="blanks-are-values"),
        pytest.param({"x": [True, False, 7, 0.5]}, "x", ["true", "false", "7", "0.5"], id="json-texts"),
        pytest.param({}, "role", [], id="absent"),
        pytest.param({"role": None}, "role", [], id="null"),
        pytest.param({"class": "c1"}, "class.sourcedId", [], id="path-goes-on"),
        pytest.param({"class": {"sourcedId": "c1"}}, "class", [], id="path-ends-early"),
        pytest.param({"grades": [["09"], "10"]}, "grades", ["10"], id="list-in-a-list"),
        pytest.param({"grades": []}, "grades", [], id="empty-list"),
        pytest.param({"a.b": "dotted", "a": {"b": "nested"}}, "a.b", ["nested"], id="dot-is-a-step"),
        pytest.param({"name": "A\0B"}, "name", ["A\0B"], id="nul"),
    ],
)
def test_values_at(document, path, values):
    assert list(values_at(document, path)) == values
