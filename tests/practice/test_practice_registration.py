"""The practice LMS's side of LTI Dynamic Registration: as strict as the specification allows."""

import pytest
import requests

CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
NRPS_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"


def a_registration(**changes):
    document = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["client_credentials", "implicit"],
        "initiate_login_uri": "https://tool.example.org/login",
        "redirect_uris": ["https://tool.example.org/launch"],
        "client_name": "A tool",
        "jwks_uri": "https://tool.example.org/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"{NRPS_SCOPE} https://example.org/unknown",
        CONFIGURATION: {
            "domain": "tool.example.org",
            "target_link_uri": "https://tool.example.org/launch",
            "claims": ["sub"],
            "messages": [{"type": "LtiResourceLinkRequest"}],
        },
    } | changes
    return {name: value for name, value in document.items() if value is not None}


@pytest.fixture
def register(lms):
    """Register as a tool would that was opened with a new token."""

    def register(document, token=None):
        url = lms.lms.desk.initiate("https://tool.example.org/register")
        configuration = requests.get(lms.lms.desk.configuration_url, timeout=10).json()
        token = token if token is not None else url.rpartition("=")[2]
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(configuration["registration_endpoint"], json=document, headers=headers, timeout=10)

    return register


def test_tool_gets_a_client_id_a_deployment_and_what_is_granted(lms, register):
    answer = register(a_registration())

    assert answer.status_code == 201
    (tool,) = lms.lms.tools.all()
    document = answer.json()
    assert (document["client_id"], document["scope"]) == (tool.client_id, NRPS_SCOPE)
    assert document[CONFIGURATION]["deployment_id"] == tool.deployment_id


@pytest.mark.parametrize(
    "name",
    [
        "application_type",
        "response_types",
        "grant_types",
        "initiate_login_uri",
        "redirect_uris",
        "client_name",
        "jwks_uri",
        "token_endpoint_auth_method",
        CONFIGURATION,
    ],
)
def test_registration_that_lacks_something_is_refused(lms, register, name):
    answer = register(a_registration(**{name: None}))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert lms.lms.tools.all() == ()


def test_target_outside_the_tools_domain_is_refused(register):
    configuration = {**a_registration()[CONFIGURATION], "target_link_uri": "https://elsewhere.example.org/"}

    assert register(a_registration(**{CONFIGURATION: configuration})).status_code == 400


def test_token_that_was_not_given_is_refused(lms, register):
    assert register(a_registration(), token="guessed").status_code == 401
    assert lms.lms.tools.all() == ()
