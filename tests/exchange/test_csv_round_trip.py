"""Mirror, files, another mirror, files again: the same files."""

import csv
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.mirror.runs import Outcome
from bridge.oneroster.csv.cells import cells_of, record_of, role_sourced_id
from bridge.oneroster.csv.tables import TABLES, Form
from bridge.practice.sis_csv import read_csv
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_records import COLLECTIONS as PRACTISED
from bridge.roster.model import COLLECTIONS
from bridge.roster.records import RecordDerivation, RecordSnapshot
from bridge.roster.references import References
from tests.exchange.csv_sets import read_set

SAMPLES = Path(os.environ.get("ONEROSTER_SAMPLES") or Path(__file__).parents[2] / "../shared/data")
GRAND_BEND = SAMPLES / "edfi-grandbend-oneroster11"


def mirror_district(bridge, district):
    """Put a whole district into a mirror, as if it had been read from a provider."""
    records = [(COLLECTIONS[name], record) for name in PRACTISED for record in district.records(name).values()]
    derivation = RecordDerivation(references=References(bridge.wiring.settings.server.public_url))
    run = bridge.wiring.reconciler().reconcile(RecordSnapshot("sis", records, complete=True), derivation)
    assert run.outcome is Outcome.APPLIED, run.message
    assert run.quarantined == 0


def test_a_district_of_awkward_people_comes_through(bridge, make_bridge):
    mirror_district(bridge, make_district(schools=2, students_per_school=120, awkward_every=2))
    other = make_bridge("two")

    imported = other.load(bridge.export())

    assert imported.bad_rows == []
    assert other.export().read_bytes() == bridge.export().read_bytes()


def test_the_records_are_the_same(bridge, make_bridge):
    mirror_district(bridge, make_district(schools=1))
    other = make_bridge("two")

    other.load(bridge.export())

    for collection in COLLECTIONS:
        assert other.records(collection) == bridge.records(collection)


def test_another_reader_finds_the_same_in_the_files(bridge):
    district = make_district()
    mirror_district(bridge, district)

    read = read_csv(bridge.export())

    for name in PRACTISED:
        assert read.records(name).keys() == district.records(name).keys()
    assert {sourced_id: user["familyName"] for sourced_id, user in read.records("users").items()} == {
        sourced_id: user["familyName"].strip() or "-" for sourced_id, user in district.records("users").items()
    }


def test_an_import_of_what_was_exported_changes_no_record(bridge):
    mirror_district(bridge, make_district(schools=1))

    run = bridge.load(bridge.export()).run

    assert (run.added, run.removed, run.quarantined, run.records) == (0, 0, 0, {})


def published(folder):
    """How many rows each file of a published set has, counted by nobody's code but Python's csv."""
    counts = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as text:
            counts[path.stem] = sum(1 for row in csv.reader(text) if any(row)) - 1
    return counts


@pytest.mark.skipif(
    not GRAND_BEND.is_dir(), reason="the published sets are not beside the checkout (ONEROSTER_SAMPLES)"
)
def test_a_published_set_of_1_1_comes_in_whole(bridge):
    path = bridge.folder / "in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in GRAND_BEND.glob("*.csv"):
            archive.write(file, file.name)

    imported = bridge.load(path)

    expected = published(GRAND_BEND)
    del expected["manifest"]
    assert imported.bad_rows == []
    assert {name: len(bridge.records(name)) for name in expected} == expected
    exported = {name: len(rows) for name, rows in read_set(bridge.export()).items() if name != "manifest"}
    assert exported == expected | {"roles": expected["users"]}


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=12)
ids = st.text("abcXYZ019.-_/@", min_size=1, max_size=12)
elements = texts.filter(lambda text: "," not in text)
user_ids = texts.filter(lambda text: not set("{}:,") & set(text))
values = {
    Form.TEXT: texts,
    Form.LIST: st.lists(elements, min_size=1, max_size=3),
    Form.REFERENCE: st.builds(lambda one: {"sourcedId": one}, ids),
    Form.REFERENCES: st.lists(st.builds(lambda one: {"sourcedId": one}, ids), min_size=1, max_size=3),
    Form.USER_IDS: st.lists(
        st.builds(lambda type_, one: {"type": type_, "identifier": one}, user_ids, user_ids), min_size=1, max_size=2
    ),
}


@st.composite
def records(draw):
    table = draw(st.sampled_from(list(TABLES.values())))
    columns = [column for column in table.columns if column.form is not Form.UNKEPT]
    chosen = [column for column in columns if draw(st.booleans())]
    return table, {column.field: draw(values[column.form]) for column in chosen}


@given(records())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_record_holds_comes_back(example):
    table, record = example
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells_of(table.columns, record))
    names = [column.name for column in table.columns]

    (row,) = csv.reader(io.StringIO(text.getvalue(), newline=""))

    assert record_of({column.name: column for column in table.columns}, dict(zip(names, row, strict=True))) == record


@given(st.lists(st.tuples(ids, st.sampled_from(["teacher", "aide"]), ids), min_size=2, max_size=2, unique=True))
def test_every_role_has_a_sourced_id_of_its_own(roles):
    made = [
        role_sourced_id(user, {"roleType": "primary", "role": role, "org": {"sourcedId": org}})
        for user, role, org in roles
    ]

    assert len(set(made)) == 2
