import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.nrps.containers import Container, member_user_id, parse_container
from bridge.nrps.schemas import InvalidMember, load_member


def test_members_and_context_stay_the_bytes_that_came():
    members = [b'{"user_id" : "7",\n "name":"\\u00e9\\/"}', b'{"user_id":7.0,"x":[1,2]}']
    body = b'{"members": [%s , %s], "id": "x", "context": { "id":"c1" }}' % tuple(members)

    assert parse_container(body, 10) == Container(b'{ "id":"c1" }', tuple(members), ("7", None))


@pytest.mark.parametrize("body", [pytest.param(b"", id="nothing"), pytest.param(b"\xef\xbb\xbf \r\n", id="blank")])
def test_empty_body_holds_nobody(body):
    assert parse_container(body, 10) == Container(None, (), ())


def test_byte_order_mark_is_skipped():
    assert parse_container(b'\xef\xbb\xbf{"members":[{}]}', 10).members == (b"{}",)


def test_context_that_is_null_is_absent():
    assert parse_container(b'{"context": null, "members": []}', 10) == Container(None, (), ())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>Down for maintenance</html>", id="html"),
        pytest.param(b'{"members": [{"user_id": "7"', id="half-an-answer"),
        pytest.param(b'{"members": [' + b"[" * 100_000, id="nested-without-end"),
    ],
)
def test_body_that_is_not_json_is_unavailable(body):
    with pytest.raises(SourceUnavailable, match=r"lms\.example\.org/m answers with something that is not JSON"):
        parse_container(body, 10, "lms.example.org/m")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"pageOf": {"membershipSubject": {}}}', id="nrps-1"),
        pytest.param(b'{"members": null}', id="members-null"),
        pytest.param(b'{"members": {}}', id="members-an-object"),
        pytest.param(b"[]", id="a-list"),
    ],
)
def test_json_that_is_no_container_is_refused(body):
    with pytest.raises(SourceRefused, match=r"lms\.example\.org/m answers with JSON that is not"):
        parse_container(body, 10, "lms.example.org/m")


def test_name_cut_within_an_emoji_spoils_no_roster():
    body = rb'{"members":[{"user_id":"7","name":"A\ud83d"},{"user_id":"8","name":"\ud83d\ude00 \\ud83d"}]}'

    first, second = parse_container(body, 10).members

    assert load_member(first).name == "A\ufffd"
    assert load_member(second).name == "\U0001f600 \\ud83d"


@pytest.mark.parametrize(
    ("listed", "members"),
    [
        pytest.param(b"", [], id="nobody"),
        pytest.param(b" \n ", [], id="blank"),
        pytest.param(rb' {"a":"],}\"[{"} ', [rb'{"a":"],}\"[{"}'], id="marks-within-a-text"),
        pytest.param(rb'{"a":"\\"},{"b":"\\\""}', [rb'{"a":"\\"}', rb'{"b":"\\\""}'], id="backslashes"),
        pytest.param(b'{"a":[1,[2,{}],3]} ,\t[[],[]]', [b'{"a":[1,[2,{}],3]}', b"[[],[]]"], id="nested"),
        pytest.param(b'1,"x",null,-2.5e3', [b"1", b'"x"', b"null", b"-2.5e3"], id="no-objects"),
    ],
)
def test_members_are_told_apart(listed, members):
    assert parse_container(b'{"members":[%s]}' % listed, 10).members == tuple(members)


@given(
    st.lists(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
)
def test_members_are_told_apart_as_a_json_reader_does(members):
    body = json.dumps({"members": members, "context": {"id": "c"}}, ensure_ascii=False).encode("utf-8", "surrogatepass")

    assert [json.loads(member) for member in parse_container(body, 10**6).members] == members


def test_one_odd_member_hides_nobody_elses_user_id():
    body = b'{"members":[{"user_id":"7"},{"user_id":true},"?",{"user_id":8},{"user_id":" "}]}'

    assert parse_container(body, 10).user_ids == ("7", None, None, "8", None)


@pytest.mark.parametrize("member", [pytest.param(b"1", id="numbers"), pytest.param(b"{}", id="objects")])
def test_a_million_members_in_megabytes_take_no_memory_before_they_are_refused(member):
    body = b'{"members":[%s%s]}' % ((member + b",") * 1_000_000, member)
    tracemalloc.start()
    try:
        with pytest.raises(SourceRefused, match=r"lists more than 1000 members: .* raise nrps\.max_members"):
            parse_container(body, 1000, "lms.example.org/m")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 500_000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(rb"\ud83d", "\ufffd", id="first-half"),
        pytest.param(rb"\ude00", "\ufffd", id="second-half"),
        pytest.param(rb"\ude00\ud83d", "\ufffd\ufffd", id="wrong-way-round"),
        pytest.param(rb"\uD83D\uD83D\uDE00\uDE00", "\ufffd\U0001f600\ufffd", id="pair-between-halves"),
        pytest.param(rb"\\ud83d\ude00", "\\ud83d\ufffd", id="half-after-a-backslash"),
        pytest.param(rb"\\\ud83d\ude00\ud83d", "\\\U0001f600\ufffd", id="pair-after-a-backslash"),
        pytest.param(rb"\n\u00e9\ud83d", "\n\u00e9\ufffd", id="among-other-escapes"),
    ],
)
def test_only_halves_of_a_pair_are_replaced(written, read):
    (member,) = parse_container(b'{"members":[{"user_id":"7","name":"A%s"}]}' % written, 10).members

    assert load_member(member).name == "A" + read


@pytest.mark.parametrize(
    ("raw", "user_id"),
    [
        pytest.param(b'{"user_id": "7"}', "7", id="text"),
        pytest.param(b'{"user_id": 7}', "7", id="number"),
        pytest.param(
            b'{"user_id": 123456789012345678901234567890}', "123456789012345678901234567890", id="long-number"
        ),
        pytest.param(b'{"user_id": " A b\\u00e9 "}', " A b\u00e9 ", id="kept-as-written"),
        pytest.param(b'{"roles": 1, "user_id": "7", "status": "?"}', "7", id="rest-not-looked-at"),
        pytest.param(b'{"user_id": true}', None, id="boolean"),
        pytest.param(b'{"user_id": 7.5}', None, id="fraction"),
        pytest.param(b'{"user_id": null}', None, id="null"),
        pytest.param(b'{"user_id": "  "}', None, id="blank"),
        pytest.param(b'{"user_id": {"id": "7"}}', None, id="object"),
        pytest.param(b'{"name": "Ada"}', None, id="missing"),
        pytest.param(b'"7"', None, id="no-object"),
        pytest.param(b'{"user_id": "\xff"}', None, id="not-utf-8"),
        pytest.param(b'{"user_id": %s}' % (b"9" * 5000), None, id="number-without-end"),
    ],
)
def test_user_id_is_read(raw, user_id):
    assert member_user_id(raw) == user_id


@given(st.one_of(st.text(max_size=300), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)))
def test_both_readers_agree_about_the_user_id(value):
    raw = json.dumps({"user_id": value}).encode()
    try:
        loaded = load_member(raw).user_id
    except InvalidMember:
        assert member_user_id(raw) is None or len(member_user_id(raw)) > 255
    else:
        assert member_user_id(raw) == loaded
