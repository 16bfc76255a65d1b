"""``GET /api/idtoken``: one launch, in the words that LTIAAS gives it.

What a tool is told of the person is its privacy level's to say, in the orderly answer and in the raw one. Custom
parameters may hold anything of her, under any name, so that they are given only to a tool that is told her names and
her e-mail address; what else the platform adds, only to one that is told everything.

The shape is LTIAAS's (https://docs.ltiaas.com/api/get-idtoken, and the schemas of its own client library).
"""

from collections.abc import Mapping
from typing import Any

from bridge.lti.claims import CORE, NRPS, kept_claims, read_person, read_roles
from bridge.registry.launches import TakenLaunch
from bridge.registry.tools import Tool
from bridge.roster.identity import user_sourced_id
from bridge.roster.sharing import PrivacyLevel, Share, UserIds

LTI_VERSION = "1.3.0"

_BY_NAME = frozenset({Share.NAMES, Share.EMAIL})
# What is said of the launch and not of the person.
_IMPERSONAL = frozenset(
    {
        *("iss", "sub", "aud", "azp", "exp", "iat", "nonce", "locale", NRPS),
        *(
            CORE + name
            for name in (
                "version",
                "message_type",
                "deployment_id",
                "target_link_uri",
                "resource_link",
                "roles",
                "context",
                "tool_platform",
                "launch_presentation",
            )
        ),
    }
)
_PRESENTATION = {
    "document_target": "documentTarget",
    "width": "width",
    "height": "height",
    "return_url": "returnUrl",
    "locale": "locale",
}
_PLATFORM = {
    "guid": "guid",
    "product_family_code": "productFamilyCode",
    "version": "version",
    "description": "description",
    "contact_email": "contactEmail",
}


def idtoken(launch: TakenLaunch, tool: Tool, *, available: bool, service_key: str | None) -> dict[str, Any]:
    """The launch in order: user, platform, launch and services.

    :param tool: who is told.
    :param available: whether names and roles can be read.
    :param service_key: what else of the launch's context can be read with, later.
    """
    services: dict[str, Any] = {
        # Named for those who look; what is not LTI 1.3, or not the bridge's, is not available.
        "outcomes": {"available": False},
        "deepLinking": {"available": False},
        "assignmentAndGrades": {"available": False},
        "namesAndRoles": {"available": available},
    }
    if service_key is not None:
        services["serviceKey"] = service_key
    return {
        "ltiVersion": LTI_VERSION,
        "user": _user(launch, tool),
        "platform": _platform(launch),
        "launch": _launch(launch.claims, tool.privacy),
        "services": services,
    }


def raw_idtoken(launch: TakenLaunch, tool: Tool) -> dict[str, Any]:
    """The claims by the platform's own names, as they came: those that the tool's privacy level lets through."""
    return {"ltiVersion": LTI_VERSION, **_let_through(launch, tool.privacy), **_sub(launch, tool)}


def _sub(launch: TakenLaunch, tool: Tool) -> dict[str, Any]:
    """The id of the person, as this tool is told it in memberships; nothing of an anonymous launch."""
    if launch.person is None:
        return {}
    if tool.user_ids is UserIds.SOURCED_ID:
        return {"sub": user_sourced_id(launch.tenant, launch.person)}
    return {"sub": launch.claims["sub"]}


def _let_through(launch: TakenLaunch, privacy: PrivacyLevel) -> dict[str, Any]:
    if privacy == PrivacyLevel.everything():
        return dict(launch.claims)
    shown = {
        "name": Share.NAMES,
        "given_name": Share.NAMES,
        "family_name": Share.NAMES,
        "middle_name": Share.NAMES,
        "email": Share.EMAIL,
        "picture": Share.PICTURE,
    }
    allowed = _IMPERSONAL | {name for name, share in shown.items() if share in privacy.shares}
    if privacy.shares >= _BY_NAME:
        allowed |= {CORE + "custom"}
    return {name: value for name, value in launch.claims.items() if name in allowed}


def context_json(claims: Mapping[str, Any]) -> dict[str, Any] | None:
    """The context claim, for the answer; ``None`` if there is none."""
    context = claims.get(CORE + "context")
    if not isinstance(context, dict):
        return None
    return {name: context[name] for name in ("id", "label", "title", "type") if context.get(name)}


def _user(launch: TakenLaunch, tool: Tool) -> dict[str, Any]:
    roles = read_roles(launch.claims)
    person = read_person(launch.claims, roles)
    if person is None:
        return {"id": "", "roles": list(roles)}  # an anonymous launch: LTI Core 1.3 section 5.3.6
    told = tool.privacy.of(person)
    texts = {
        "name": told.name,
        "givenName": told.given_name,
        "familyName": told.family_name,
        "middleName": told.middle_name,
        "email": told.email,
        "picture": told.picture,
    }
    user_id = _sub(launch, tool)["sub"]
    return {"id": user_id, "roles": list(roles), **{name: text for name, text in texts.items() if text}}


def _platform(launch: TakenLaunch) -> dict[str, Any]:
    claims = launch.claims
    stated = claims.get(CORE + "tool_platform")
    described = stated if isinstance(stated, dict) else {}
    aud = claims.get("azp") or claims.get("aud")
    return {
        "id": launch.tenant,
        "url": claims.get("iss"),
        "clientId": aud[0] if isinstance(aud, list) else aud,
        "deploymentId": claims.get(CORE + "deployment_id"),
        "name": _first_text(described.get("name"), described.get("description"), launch.tenant),
        **{ours: described[theirs] for theirs, ours in _PLATFORM.items() if described.get(theirs)},
    }


def _launch(claims: Mapping[str, Any], privacy: PrivacyLevel) -> dict[str, Any]:
    launch: dict[str, Any] = {
        "type": claims.get(CORE + "message_type", "LtiResourceLinkRequest"),
        "target": claims.get(CORE + "target_link_uri", ""),
    }
    if (context := context_json(claims)) is not None:
        launch["context"] = context
    link = claims.get(CORE + "resource_link")
    if isinstance(link, dict):
        launch["resourceLink"] = {name: link[name] for name in ("id", "title", "description") if link.get(name)}
    presentation = claims.get(CORE + "launch_presentation")
    if isinstance(presentation, dict):
        launch["presentation"] = {
            # LTIAAS's own client takes texts for the sizes, though its documentation shows numbers.
            ours: str(presentation[theirs])
            for theirs, ours in _PRESENTATION.items()
            if presentation.get(theirs) is not None
        }
    custom = kept_claims(claims).get(CORE + "custom", {}) if privacy.shares >= _BY_NAME else {}
    launch["custom"] = dict(custom)
    return launch


def _first_text(*candidates: object) -> str:
    return next((text for text in candidates if isinstance(text, str) and text.strip()), "")
