"""``/lti/register``: where an LMS's administrator is sent to have the bridge registered as a tool.

Who may come here is a setting: :class:`~bridge.lti.rules.SelfRegistration`.
"""

import structlog
from flask import Blueprint, Response, request

from bridge.errors import Busy, InvalidRequest, RegistrationRefused
from bridge.lti.dynamic_registration import Registered, accept, register_at
from bridge.lti.pages import page
from bridge.lti.rules import REGISTER_PATH, SelfRegistration
from bridge.lti.tool import LtiTool
from bridge.registry.invitations import Invitation
from bridge.registry.registry import Registry
from bridge.transport.http import host_of

_log = structlog.get_logger(__name__)


def add_registration_routes(blueprint: Blueprint, tool: LtiTool) -> None:
    """Add ``/lti/register`` and ``/lti/register/<invitation>``."""
    rules = tool.rules

    @blueprint.errorhandler(RegistrationRefused)
    def refuse(refusal: RegistrationRefused) -> Response:
        _log.warning("registration_refused", check=refusal.check)
        return page(
            "lti/refused.html",
            rules,
            status=403 if refusal.check in {"closed", "invitation"} else 400,
            what="Registration",
            check=refusal.check,
            reason=str(refusal),
            advice="Nothing was registered here.",
        )

    # The invitation stands in the path, because some platforms append their query without looking for another.
    @blueprint.get(REGISTER_PATH)
    @blueprint.get(f"{REGISTER_PATH}/<invitation>")
    def register(invitation: str | None = None) -> Response:
        configuration_url = request.args.get("openid_configuration", "")
        if rules.registration == SelfRegistration.CLOSED:
            raise RegistrationRefused("closed", "learning platforms cannot register themselves at this bridge")
        if not configuration_url:
            raise RegistrationRefused(
                "configuration",
                "there is no openid_configuration: enter this address at your learning platform, where it registers"
                " tools by LTI Dynamic Registration, and let the platform open it",
            )
        registry = tool.registry()
        taken = _admit(invitation, registry, rules.registration)
        try:
            registered = register_at(
                configuration_url, request.args.get("registration_token") or None, tool.http, rules
            )
            number = _store(registered, taken, registry, rules.registration)
        except BaseException:
            if taken is not None:
                registry.invitations.give_back(taken)
            raise
        return page(
            "lti/registered.html",
            rules,
            "registered.js",
            accepted=number is None,
            number=number,
            roster=registered.roster,
            platform=registered.platform,
        )


def _admit(code: str | None, registry: Registry, mode: SelfRegistration) -> Invitation | None:
    if code is not None:
        invitation = registry.invitations.take(code)
        if invitation is None:
            raise RegistrationRefused(
                "invitation",
                "this registration link was used already, or is too old: ask the bridge's operator for one",
            )
        return invitation
    if mode == SelfRegistration.OPEN:
        return None
    if mode != SelfRegistration.APPROVED:
        raise RegistrationRefused(
            "invitation", "learning platforms register here by invitation: ask the bridge's operator for a link"
        )
    try:
        registry.registrations.check_room()
    except Busy as error:
        raise RegistrationRefused("full", str(error)) from error
    return None


def _store(
    registered: Registered, invitation: Invitation | None, registry: Registry, mode: SelfRegistration
) -> int | None:
    """Keep what was registered; the number under which it waits for the operator, if it has to."""
    new = registered.platform
    try:
        if invitation is None and mode == SelfRegistration.APPROVED:
            number = registry.registrations.add(new)
            _log.info("registration_waits", registration=number, issuer_host=host_of(new.issuer))
            return number
        platform = accept(registry, new, None if invitation is None else invitation.tenant)
    except (InvalidRequest, Busy) as error:
        raise RegistrationRefused("platform", str(error)) from error
    _log.info("platform_registered", platform=platform.id, tenant=platform.tenant)
    return None
