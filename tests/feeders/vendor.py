"""A vendor of an LTI tool, as far as the bridge sees her: a client id at an LMS, and requests with an API key."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from bridge.practice.server import PracticeLms
from tests.journeys.running_bridge import RunningBridge

TIMEOUT = 10


class Vendor:
    """One tool, with its own code.

    :ivar tool: its client id at the bridge.
    """

    def __init__(self, bridge: RunningBridge, name: str = "quiz", **limits: Any) -> None:
        self._bridge = bridge
        registry = bridge.wiring.registry
        self.tool = registry.tools.add(name, key_set='{"keys":[]}', **limits).client_id
        self.api_key = registry.tool_keys.issue(self.tool)
        self.client_id = ""
        self._redirect = "https://quiz.example.org/launch"

    def install_at(self, lms: PracticeLms) -> None:
        """Be registered as a tool at an LMS, beside the bridge."""
        registration = lms.register_tool(
            login_url="https://quiz.example.org/login",
            redirect_uris=[self._redirect],
            jwks={"keys": []},
            target_link_uri=self._redirect,
        )
        self.client_id = registration["client_id"]

    def id_token(self, lms: PracticeLms, user_id: str, context_id: str = "Course-1", nonce: str = "n-1") -> str:
        """The id_token of a launch from a course as one of its members."""
        lms.manners.login_method = "GET"
        page = lms.launch_url(context_id, user_id, client_id=self.client_id)
        hop = requests.get(page, allow_redirects=False, timeout=TIMEOUT)
        login = {name: values[0] for name, values in parse_qs(urlsplit(hop.headers["Location"]).query).items()}
        answer = requests.get(
            lms.lms.auth_login_url,
            {
                "scope": "openid",
                "response_type": "id_token",
                "response_mode": "form_post",
                "prompt": "none",
                "client_id": self.client_id,
                "redirect_uri": self._redirect,
                "login_hint": login["login_hint"],
                "lti_message_hint": login["lti_message_hint"],
                "state": "s",
                "nonce": nonce,
            },
            timeout=TIMEOUT,
        )
        found = re.search('name="id_token" value="([^"]+)"', answer.text)
        assert found, answer.text
        return found[1]

    def hand_in(self, body: Any, *, api_key: str | None = None) -> requests.Response:
        """``POST /api/launches``."""
        return requests.post(
            f"{self._bridge.url}/api/launches",
            json={"idToken": body} if isinstance(body, str) else body,
            headers={"Authorization": f"Bearer {api_key or self.api_key}"},
            timeout=TIMEOUT,
        )

    def launched(self, lms: PracticeLms, user_id: str, context_id: str = "Course-1", nonce: str = "n-1") -> Any:
        """What the bridge answers to a launch that is handed in."""
        answer = self.hand_in(self.id_token(lms, user_id, context_id, nonce))
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def with_ltik(self, ltik: str) -> str:
        return f"LTIK-AUTH-V2 {self.api_key}:{ltik}"

    def with_older_header(self, ltik: str) -> str:
        return f"LTIK-AUTH-V1 Token={ltik}, Additional=Bearer {self.api_key}"

    def with_service_key(self, service_key: str) -> str:
        return f"SERVICE-AUTH-V1 {self.api_key}:{service_key}"

    def ask(self, authorization: str, path: str = "memberships", **params: Any) -> requests.Response:
        """GET something below ``/api``."""
        return requests.get(
            f"{self._bridge.url}/api/{path}", params=params, headers={"Authorization": authorization}, timeout=TIMEOUT
        )

    def ask_for_sync(self, authorization: str) -> requests.Response:
        return requests.post(
            f"{self._bridge.url}/api/memberships/sync", headers={"Authorization": authorization}, timeout=TIMEOUT
        )
