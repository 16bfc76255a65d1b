"""What is refused of a zip before anything in it is read."""

import io
import struct
import zipfile
import zlib

import pytest

from bridge.errors import SourceRefused
from bridge.oneroster.csv.archive import Archive, Limits
from bridge.oneroster.csv.rows import read_rows
from bridge.oneroster.csv.sets import CsvSet
from bridge.oneroster.csv.tables import TABLES
from tests.exchange.csv_sets import write_zip


def opened(path, **limits):
    with Archive(path, limits=Limits(**limits) if limits else None) as archive:
        return archive.names


def test_files_lie_at_the_root(tmp_path):
    assert opened(write_zip(tmp_path / "a.zip", {"orgs.csv": b"x", "readme.txt": b"y"})) == ("orgs.csv",)


def test_one_folder_around_all_of_them_is_tolerated(tmp_path):
    files = {"set/orgs.csv": b"x", "set/users.csv": b"y", "__MACOSX/set/._orgs.csv": b"z", "set/.DS_Store": b"z"}

    assert opened(write_zip(tmp_path / "a.zip", files)) == ("orgs.csv", "users.csv")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["../orgs.csv"], "leads out of it"),
        (["/etc/orgs.csv"], "leads out of it"),
        (["a/../../orgs.csv"], "leads out of it"),
        (["C:\\orgs.csv"], "leads out of it"),
        (["a/orgs.csv", "users.csv"], "at the root"),
        (["a/b/orgs.csv"], "at the root"),
        (["orgs.csv", "ORGS.csv"], "twice"),
    ],
    ids=["up", "absolute", "up from within", "drive", "mixed folders", "deep folder", "twice"],
)
def test_names_that_mislead_are_refused(tmp_path, names, reason):
    with pytest.raises(SourceRefused, match=reason):
        opened(write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x")))


def test_a_file_that_unpacks_out_of_all_proportion_is_refused(tmp_path):
    path = write_zip(tmp_path / "bomb.zip", {"users.csv": b"0" * (8 * 1024**2)})

    with pytest.raises(SourceRefused, match="more than 200 times its size"):
        opened(path)


def test_a_small_file_may_repeat_itself(tmp_path):
    assert opened(write_zip(tmp_path / "a.zip", {"users.csv": b"0" * 1024**2})) == ("users.csv",)


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.csv": b"0" * 600, "b.csv": b"0" * 600})

    with pytest.raises(SourceRefused, match="more than 1000 bytes"):
        opened(path, total_bytes=1000)


def test_too_many_entries_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {f"{number}.txt": b"" for number in range(11)})

    with pytest.raises(SourceRefused, match="holds 11 entries"):
        opened(path, entries=10)


def test_a_file_is_never_read_beyond_the_size_that_it_claims(tmp_path):
    content = b"sourcedId\n" + b"x" * 1000
    path = write_zip(tmp_path / "a.zip", {"orgs.csv": content})
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", len(content)), struct.pack("<L", 20)))

    with Archive(path) as archive, pytest.raises(SourceRefused, match="damaged"), archive.open("orgs.csv") as text:
        text.read()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_other_ways_of_packing_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("orgs.csv", "x")

    with pytest.raises(SourceRefused, match="another way than deflate"):
        opened(tmp_path / "a.zip")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"orgs.csv": b"x"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    with pytest.raises(SourceRefused, match="encrypted"):
        opened(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken"], ids=["nothing", "text", "cut short"])
def test_what_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)

    with pytest.raises(SourceRefused, match=r"a\.zip is not a zip file"):
        opened(tmp_path / "a.zip")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceRefused, match="cannot be read"):
        opened(tmp_path / "nowhere.zip")


def test_damage_is_told_by_file(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("orgs.csv", "sourcedId,name,type\n" + "A,B,school\n" * 50)
    (tmp_path / "a.zip").write_bytes(packed.getvalue().replace(b"A,B,school", b"A,C,school", 1))

    with Archive(tmp_path / "a.zip") as archive, pytest.raises(SourceRefused, match=r"orgs\.csv is damaged"):  # noqa: SIM117
        with archive.open("orgs.csv") as text:
            text.read()


@pytest.mark.parametrize(
    ("place", "offset", "bytes_"),
    [
        pytest.param(b"PK\x01\x02", 8, b"\x20\x00", id="patched data"),
        pytest.param(b"PK\x01\x02", 6, b"\x63\x00", id="version of the far future"),
        pytest.param(b"PK\x01\x02", 8, b"\x00\x08" + b"\x00" * 36 + b"\xff", id="name that is no UTF-8"),
        pytest.param(b"PK\x03\x04", 6, b"\x00\x08" + b"\x00" * 22 + b"\xff", id="header that contradicts the list"),
        pytest.param(b"PK\x05\x06", 16, b"\xff\x00", id="place before the beginning"),
    ],
)
def test_zip_that_python_cannot_read_is_refused(tmp_path, place, offset, bytes_):
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("orgs.csv", "sourcedId\n1\n")
    packed = bytearray(path.read_bytes())
    at = packed.find(place) + offset
    packed[at : at + 2] = bytes_[:2]
    if len(bytes_) > 2:
        packed[at + len(bytes_) - 1] = bytes_[-1]
    path.write_bytes(packed)

    with pytest.raises(SourceRefused), Archive(path) as archive, archive.open("orgs.csv") as text:
        text.read()


def directory_entry(name, data, offset, size):
    crc = zlib.crc32(bytes(size))
    fields = (20, 20, 0, zipfile.ZIP_DEFLATED, 0, 0, crc, len(data), size, len(name), 0, 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *fields) + name


def overlapping(path, names, size):
    """A zip whose directory lists one packed file under several names."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = compressor.compress(bytes(size)) + compressor.flush()
    fields = (20, 0, zipfile.ZIP_DEFLATED, 0, 0, zlib.crc32(bytes(size)), len(data), size, len(names[0]), 0)
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", *fields) + names[0] + data
    listed = b"".join(directory_entry(name, data, 0, size) for name in names)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(listed), len(local), 0)
    path.write_bytes(local + listed + end)
    return path


def test_one_file_of_such_a_zip_is_read(tmp_path):
    assert opened(overlapping(tmp_path / "a.zip", [b"users.csv"], 1000)) == ("users.csv",)


def test_files_that_overlap_are_refused(tmp_path):
    path = overlapping(tmp_path / "a.zip", [b"users.csv", b"orgs.csv"], 1000)

    with pytest.raises(SourceRefused, match="overlap"):
        opened(path)


def test_file_that_quotes_the_next_one_is_refused(tmp_path):
    """Its packed data holds the whole next file, header and all, so that both unpack the same."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("users.csv", b"sourcedId\n1\n")
        archive.writestr("orgs.csv", b"sourcedId\n2\n")
    packed = bytearray(path.read_bytes())
    at = packed.find(b"PK\x01\x02")
    for place in (20, 24):  # sizes of the first file, packed and unpacked
        packed[at + place : at + place + 4] = struct.pack("<L", 60)
    path.write_bytes(packed)

    with pytest.raises(SourceRefused, match="overlap"):
        opened(path)


def test_zip_within_a_zip_is_not_looked_into(tmp_path):
    inner = write_zip(tmp_path / "inner.zip", {"users.csv": b"x"}).read_bytes()

    assert opened(write_zip(tmp_path / "a.zip", {"orgs.csv": b"x", "users.zip": inner})) == ("orgs.csv",)


def test_zip_behind_other_bytes_is_read_as_it_lies(tmp_path):
    packed = write_zip(tmp_path / "a.zip", {"orgs.csv": b"x", "users.csv": b"y"}).read_bytes()
    (tmp_path / "b.zip").write_bytes(b"#!/bin/sh\n" + packed)

    assert opened(tmp_path / "b.zip") == ("orgs.csv", "users.csv")


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param('propertyName,value\n"' + "x" * 200_000, id="cell without end"),
        pytest.param("propertyName,value\n" + "a,b\n" * 50_000, id="rows without end"),
        pytest.param('a,b\n"a', id="quote that is not closed"),
        pytest.param("", id="nothing"),
    ],
)
def test_manifest_that_is_none_is_refused(tmp_path, manifest):
    path = write_zip(tmp_path / "a.zip", {"manifest.csv": manifest.encode(), "orgs.csv": b"sourcedId\n"})

    with Archive(path) as archive, pytest.raises(SourceRefused, match=r"^manifest\.csv"):
        CsvSet(archive)


def test_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"orgs.csv": b"sourcedId,x," * 400_000})

    with Archive(path, limits=Limits(ratio=10**9)) as archive, archive.open("orgs.csv") as text:  # noqa: SIM117
        with pytest.raises(SourceRefused, match="a line of more than"):
            read_rows(TABLES["orgs"], text)


def test_file_without_a_name_is_passed_over(tmp_path):
    packed = write_zip(tmp_path / "a.zip", {"_orgs.csv": b"x", "users.csv": b"y"}).read_bytes()
    (tmp_path / "b.zip").write_bytes(packed.replace(b"_orgs.csv", b"\0orgs.csv"))

    with Archive(tmp_path / "b.zip") as archive:
        assert "orgs.csv" not in archive
