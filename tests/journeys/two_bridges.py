"""From an LMS to a bridge, from there as OneRoster to a second one, and from that as NRPS to a tool: over real HTTP."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from joserfc.jwk import RSAKey

from bridge.clock import Clock, utc_now
from bridge.mirror.runs import Run
from bridge.nrps.schemas import MEMBERSHIP_CONTAINER
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.practice.nrps_tool import PracticeTool
from bridge.practice.rosters import Roster
from bridge.practice.server import PracticeLms
from bridge.registry.sources import RegisteredSource
from bridge.roster.roles import RoleMapping
from bridge.roster.sharing import Share
from bridge.settings import Guards
from bridge.transport.client_secret import Credentials
from bridge.transport.links import find_link, parse_links
from tests.journeys.running_bridge import RunningBridge

Told = dict[str, dict[str, Any]]
"""Members as they are on the wire, by ``user_id``."""

TRUSTING = Guards(removal_share=1, source_removal_share=1, hold_emptied=False, change_share=1)


class TwoBridges:
    """:ivar lms: one LMS, at which the first bridge is registered once for each role mapping, which names the tenant.
    :ivar first: reads the LMS, and is the source ``first`` of the second.
    :ivar second: is read by the tool.
    """

    def __init__(self, directory: Path, key: RSAKey, roster: Roster, clock: Clock = utc_now) -> None:
        with ExitStack() as stack:
            self.lms = stack.enter_context(PracticeLms(roster, key=key, clock=clock))
            self.first, self.second = (
                stack.enter_context(RunningBridge(directory / name, clock, guards=TRUSTING))
                for name in ("first", "second")
            )
            self._client_ids = {
                mapping.value: self.first.register_at(self.lms, mapping, role_mapping=mapping.value).client_id
                for mapping in RoleMapping
            }
            self._register_source()
            self._tool = stack.enter_context(PracticeTool(f"{self.second.url}/oauth2/token", key=key, clock=clock))
            tools = self.second.wiring.registry.tools
            registered = tools.add("tool", key_set=json.dumps(self._tool.public_key_set), shares=Share)
            self._tool.client_id = registered.client_id
            self._token = self._tool.fetch_token()
            self._stack = stack.pop_all()

    def _register_source(self) -> None:
        client, secret = self.first.wiring.registry.clients.add("second bridge", scopes=[ROSTER_CORE, ROSTER])
        self.second.wiring.registry.sources.add(
            RegisteredSource(
                name="first",
                base_url=f"{self.first.url}/ims/oneroster/rostering/v1p2",
                credentials=Credentials(
                    client_id=client.client_id,
                    secret=secret,
                    token_url=f"{self.first.url}/oauth2/token",
                    scopes=(ROSTER_CORE, ROSTER),
                ),
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def launch(self, context_id: str, mapping: str) -> None:
        """Launch from a course, and let the first bridge read it in a role mapping."""
        assert self.first.launch(self.lms, context_id, client_id=self._client_ids[mapping]).status_code == 200
        self.first.take_inbox()

    def pass_on(self) -> Run:
        """Let the second bridge read the first."""
        run = self.second.wiring.sync(self.second.wiring.registry.sources.get("first"))
        assert run is not None
        return run

    def memberships_url(self, context_id: str, tenant: str) -> str:
        """Where the second bridge serves a course: its class has the sourcedId that the first one gave it."""
        class_id = self.first.wiring.registry.contexts.find(context_id, tenant).class_sourced_id
        return f"{self.second.url}/lti/contexts/{class_id}/memberships"

    def told(self, url: str) -> Told:
        """Whom the second bridge lists at an address, to the last page."""
        members = list(self._tool.members(url, self._token))
        told = {member["user_id"]: member for member in members}
        assert len(told) == len(members)
        return told

    def differences(self, url: str) -> str:
        """The address at which the second bridge will tell what has changed from now on."""
        answer = requests.get(
            url, headers={"Authorization": f"Bearer {self._token}", "Accept": MEMBERSHIP_CONTAINER}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        link = find_link(parse_links([answer.headers["Link"]], url), "differences")
        assert link is not None
        return link.target


def who(told: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[list[str], str | None]]:
    """Of each member the roles and the status, as they are on the wire."""
    return {user_id: (list(member["roles"]), member.get("status")) for user_id, member in told.items()}
