"""Service discovery: OneRoster 1.2 Rostering REST binding, "Service discovery"; and the pages for people."""

import re
from html.parser import HTMLParser

import pytest

from bridge.oneroster.discovery import FILE_NAMES
from bridge.oneroster.operations import OPERATIONS
from bridge.roster.references import ROSTERING_PATH
from tests.conformance.world import PUBLIC_URL


def discovered(world, name=FILE_NAMES[0], **headers):
    return world.app.test_client().get(f"{ROSTERING_PATH}/discovery/{name}", headers=headers)


@pytest.mark.clause("MUST: without a token, under the name of the REST binding; and that of the conformance guide")
def test_both_names_give_the_same_bytes(awkward):
    first, second = (discovered(awkward, name) for name in FILE_NAMES)
    assert first.status_code == second.status_code == 200
    assert first.content_type == "application/json"
    assert first.data == second.data


@pytest.mark.clause("MUST: the server and the token endpoint are this one's")
def test_document_is_localised(awkward):
    document = discovered(awkward).get_json()
    flow = document["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"]
    assert document["servers"] == [{"url": f"{PUBLIC_URL}{ROSTERING_PATH}"}]
    assert flow["tokenUrl"] == f"{PUBLIC_URL}/oauth2/token"


@pytest.mark.clause("MUST: only what is offered")
def test_demographics_are_offered_while_there_are_any(world):
    def offered():
        document = discovered(world).get_json()
        flow = document["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"]
        ids = {item["get"]["operationId"] for item in document["paths"].values()}
        return ids, {scope.rpartition("/")[2] for scope in flow["scopes"]}, {tag["name"] for tag in document["tags"]}

    every = {operation.operation_id for operation in OPERATIONS}
    ids, scopes, tags = offered()
    assert ids == every - {"getAllDemographics", "getDemographics"}
    assert scopes == {"roster.readonly", "roster-core.readonly"}
    assert "DemographicsManagement" not in tags

    world.add("demographics", {"sourcedId": "u1", "status": "active"})
    ids, scopes, tags = offered()
    assert ids == every
    assert "roster-demographics.readonly" in scopes
    assert "DemographicsManagement" in tags


@pytest.mark.clause("The document says what bodies hold: counters, unless the setting is strict")
def test_counters_are_described_where_they_are_served(awkward):
    described = discovered(awkward).get_json()["components"]["schemas"]["OrgSetDType"]["properties"]
    assert described.keys() == {"orgs", "totalCount", "pageCount", "pageNumber", "offset", "limit"}


@pytest.mark.clause("RFC 9110 section 13.1.2, RFC 9111: public, with an ETag")
def test_document_is_cached(awkward):
    answer = discovered(awkward)
    again = discovered(awkward, **{"If-None-Match": answer.headers["ETag"]})
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert (again.status_code, again.data) == (304, b"")


class Links(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.loaded, self.linked, self.ids = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.extend(found[name] for name in ("id",) if name in found)
        for name in ("src", "href"):
            if name in found:
                (self.linked if tag == "a" else self.loaded).append(found[name])


@pytest.fixture(scope="module")
def pages(awkward):
    client = awkward.app.test_client()
    return {path: client.get(path) for path in ("/", "/docs")}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere(awkward, pages, path):
    page = pages[path]
    links = Links(page.text)
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert links.loaded == ["docs/site.css"]
    style = awkward.app.test_client().get("/docs/site.css")
    assert (style.status_code, style.content_type) == (200, "text/css; charset=utf-8")
    assert "<script" not in page.text


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_every_link_of_the_pages_leads_somewhere(awkward, pages, path):
    links = Links(pages[path].text)
    for link in links.linked:
        if link.startswith("#"):
            assert link[1:] in links.ids, link
        else:
            assert awkward.app.test_client().get(f"/{link.removeprefix('./')}").status_code == 200, link


def test_landing_page_leads_to_the_reference_and_the_document(pages):
    assert {"docs", f"{ROSTERING_PATH[1:]}/discovery/{FILE_NAMES[0]}"} <= set(Links(pages["/"].text).linked)


def test_reference_tells_of_every_operation_and_field(awkward, pages):
    shown = pages["/docs"].text
    document = discovered(awkward).get_json()
    for path in document["paths"]:
        assert f"<code>GET {path}</code>" in shown
    for name, schema in document["components"]["schemas"].items():
        assert f'<h3 id="{name}">' in shown
        for field in schema["properties"]:
            assert f"<code>{field}</code>" in shown


def test_pages_can_be_read_without_seeing_them(pages):
    for page in pages.values():
        assert '<html lang="en">' in page.text
        assert page.text.count("<h1>") == 1
        assert page.text.count("<main") == 1
        assert re.search("<title>[^<]+</title>", page.text)
        assert page.text.count("<thead><tr><th scope=") == page.text.count("<table>")
