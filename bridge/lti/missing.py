"""What a launch did not bring, and what to switch on at the platform, in words for whoever stands before the page.

Nothing here is an error: LTI lets platforms leave all of it out. The switches are named as the vendors name them; where
they differ between versions, the way to them is what counts.
"""

from dataclasses import dataclass

from bridge.lti.launch import Launch

_ROSTER_SWITCH = {
    "canvas": "in the tool's developer key, switch on “Can retrieve user data associated with the context the tool is"
    " installed in”",
    "moodle": "in the tool's settings, under Services, set “IMS LTI Names and Role Provisioning” to “Use this service"
    " to retrieve members' information as per privacy settings”",
    "blackboard": "in the tool provider's settings, set “Allow membership service access” to Yes",
    "brightspace": "switch on the extension “Names and Role Provisioning Services” in the tool's registration and in"
    " its deployment",
    "sakai": "in the tool's settings, tick “Provide roster to external tool”",
    "openedx": "in the LTI block's settings, switch on “Enable LTI NRPS”",
}

_PERSONAL_SWITCH = {
    "canvas": "set the tool's privacy level to “Public”",
    "moodle": "in the tool's settings, under Privacy, set “Share launcher's name with tool” and “Share launcher's email"
    " with tool” to “Always”",
    "blackboard": "in the tool provider's settings, tick Name and Email Address under “User fields to send”",
    "brightspace": "in the tool's deployment, tick First Name, Last Name and Email under “Security Settings”",
    "sakai": "in the tool's settings, tick “Send user names to external tool” and “Send email addresses to external"
    " tool”",
    "openedx": "in the LTI block's settings, request the user's name and e-mail",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not there.

    :param what: what is missing, and what follows from it.
    :param remedy: what to do about it.
    """

    what: str
    remedy: str


def what_is_missing(launch: Launch) -> list[Missing]:
    """What this launch did not bring, the most important first."""
    vendor = launch.platform.vendor
    missing = []
    if launch.context is None:
        missing.append(
            Missing(
                "The launch comes from no course, so there is no roster to read.",
                "Open the tool from inside a course.",
            )
        )
    elif launch.memberships_url is None:
        switch = _ROSTER_SWITCH.get(vendor, "allow the tool to use “Names and Role Provisioning Services”")
        missing.append(
            Missing(
                "The platform did not offer its Names and Role service, so the roster cannot be read.",
                f"For the platform's administrator: {switch}. After that, open the tool again.",
            )
        )
    if launch.person is None:
        missing.append(Missing("The platform does not say who you are.", "Sign in to the platform, if you have not."))
        return missing
    if not launch.roles:
        missing.append(
            Missing(
                "The platform did not say what your role is, so you are not offered what teachers are.",
                "Ask the platform's administrator whether your role is mapped to one of LTI's.",
            )
        )
    person = launch.person
    if not (person.name or person.given_name or person.family_name):
        missing.append(_not_shared("names", "People are mirrored without theirs", vendor))
    elif person.email is None:
        missing.append(_not_shared("e-mail addresses", "People are mirrored without theirs", vendor))
    return missing


def _not_shared(what: str, consequence: str, vendor: str) -> Missing:
    switch = _PERSONAL_SWITCH.get(vendor, "let the tool have names and e-mail addresses")
    return Missing(
        f"The platform did not share {what} with this launch. {consequence}.",
        f"If they are wanted, for the platform's administrator: {switch}.",
    )
