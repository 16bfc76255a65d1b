"""The forms. What a value may be, the registry decides; here is only what a person is asked for."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from bridge.admin.choosing import Checkboxes, SourcesForm
from bridge.api.scopes import RUNS_READ, SYNC
from bridge.lti.guides import GUIDES
from bridge.lti.vendors import PROFILES
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.registry.operators import LONGEST_PASSWORD
from bridge.registry.sources import VERSIONS
from bridge.registry.tools import DEFAULT_SHARES
from bridge.roster.privacy import PersonDetail
from bridge.roster.sharing import Share, UserIds
from bridge.transport.client_secret import Auth

_LONGEST = 2048
_LONGEST_LIST = 65536


_LONGEST_NUMBER = 18


class WholeNumberField(IntegerField):
    """A number that fits any range: longer ones are refused before they are compared with one."""

    data: int | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist and len(valuelist[0]) > _LONGEST_NUMBER:
            self.data = None
            raise ValueError("This is no number of a sensible size.")
        super().process_formdata(valuelist)


class SignInForm(FlaskForm):
    operator = StringField("Name", [DataRequired(), Length(max=64)], render_kw={"autocomplete": "username"})
    password = PasswordField(
        "Password", [InputRequired(), Length(max=LONGEST_PASSWORD)], render_kw={"autocomplete": "current-password"}
    )
    submit = SubmitField("Sign in")


class PlatformForm(FlaskForm):
    """One LMS, registered by hand."""

    vendor = SelectField(
        "Vendor",
        choices=[SelectChoice(name, GUIDES.get(name, name)) for name in sorted(PROFILES)],
        default="generic",
        description="By it the bridge knows the LMS's manners.",
    )
    tenant = StringField(
        "Tenant",
        [Optional(), Length(max=64)],
        description="The short name that its people are known under for good. Empty: named after the issuer's host.",
    )
    issuer = StringField(
        "Issuer", [DataRequired(), Length(max=_LONGEST)], description="Exactly as the LMS writes it (iss)."
    )
    client_id = StringField("Client id", [DataRequired(), Length(max=_LONGEST)])
    auth_login_url = StringField("Authorization endpoint (OIDC)", [DataRequired(), Length(max=_LONGEST)])
    token_url = StringField("Access token endpoint", [DataRequired(), Length(max=_LONGEST)])
    jwks_url = StringField("Key set URL (JWKS)", [DataRequired(), Length(max=_LONGEST)])
    token_audience = StringField(
        "Token audience", [Optional(), Length(max=_LONGEST)], description="Only if it is not the token endpoint."
    )
    deployment_id = StringField(
        "Deployment id", [Optional(), Length(max=255)], description="Empty: learned from the first launch."
    )
    submit = SubmitField("Register")


class InvitationForm(FlaskForm):
    """A link by which one LMS registers itself."""

    tenant = StringField(
        "Tenant",
        [Optional(), Length(max=64)],
        description="The short name that its people will be known under for good. Empty: named after its host.",
    )
    days = WholeNumberField("Good for days", [InputRequired(), NumberRange(1, 365)], default=7)
    submit = SubmitField("Make a registration link")


_ID_LIST = "sourcedIds, one on each line"


class ClientLimitsForm(SourcesForm):
    """What a consumer may see."""

    orgs = TextAreaField(
        "Of these, some orgs alone",
        [Optional(), Length(max=_LONGEST_LIST)],
        description=f"What belongs to them and to the orgs below them: {_ID_LIST}. Empty: no limit.",
    )
    classes = TextAreaField(
        "And some classes",
        [Optional(), Length(max=_LONGEST_LIST)],
        description=f"Beside what the orgs allow: {_ID_LIST}. A class's stands on its context's page.",
    )
    privacy = SelectField(
        "It is told of people",
        choices=[
            SelectChoice(PersonDetail.PUBLIC, "everything"),
            SelectChoice(PersonDetail.NAME_ONLY, "names, and no addresses"),
            SelectChoice(PersonDetail.EMAIL_ONLY, "e-mail addresses, and no names"),
            SelectChoice(PersonDetail.ANONYMOUS, "neither names nor addresses"),
        ],
        default=PersonDetail.PUBLIC,
        description="Beside ids, roles and enrollments.",
    )
    submit_limits = SubmitField("Change what it may see")


class ClientForm(ClientLimitsForm):
    """One OneRoster consumer."""

    name = StringField("Name", [DataRequired(), Length(max=200)], description="What you call it.")
    scopes = Checkboxes(
        "It may ask for",
        [InputRequired("Choose at least one.")],
        choices=[
            SelectChoice(ROSTER_CORE, "rosters, without people's details (roster-core)"),
            SelectChoice(ROSTER, "rosters (roster)"),
            SelectChoice(ROSTER_DEMOGRAPHICS, "demographics (demographics)"),
            SelectChoice(RUNS_READ, "what reconciliations did (runs)"),
            SelectChoice(SYNC, "to have rosters read now (sync)"),
        ],
        default=[ROSTER_CORE, ROSTER],
    )
    body_style = SelectField(
        "Body style",
        choices=[
            SelectChoice("", "as configured"),
            SelectChoice("counters", "with counters"),
            SelectChoice("strict", "strict"),
        ],
        default="",
        description="Whether the counters stand in the body of a page, beside the headers.",
    )
    submit = SubmitField("Register")


class ProviderForm(FlaskForm):
    """One SIS that is read over OneRoster."""

    name = StringField(
        "Name",
        [DataRequired(), Length(max=64)],
        description="The short name that its records are known under for good: clients are limited to sources by it.",
    )
    base_url = StringField(
        "Base URL",
        [DataRequired(), Length(max=_LONGEST)],
        description="What the collections' names go behind.",
        render_kw={"placeholder": "https://sis.example.org/ims/oneroster/rostering/v1p2"},
    )
    version = SelectField("OneRoster version", choices=[SelectChoice(each) for each in VERSIONS], default="1.2")
    auth = SelectField(
        "How the bridge proves who it is",
        choices=[
            SelectChoice(Auth.BASIC, "OAuth 2, the secret in HTTP Basic"),
            SelectChoice(Auth.FORM, "OAuth 2, the secret in the form"),
            SelectChoice(Auth.OAUTH1_SHA256, "OAuth 1.0a, HMAC-SHA256"),
            SelectChoice(Auth.OAUTH1_SHA1, "OAuth 1.0a, HMAC-SHA1"),
        ],
        default=Auth.BASIC,
    )
    token_url = StringField(
        "Token URL",
        [Optional(), Length(max=_LONGEST)],
        description="Where access tokens are asked for. Empty with OAuth 1.0a.",
    )
    client_id = StringField("Client id, or consumer key", [DataRequired(), Length(max=_LONGEST)])
    secret = PasswordField(
        "Secret", [InputRequired(), Length(max=_LONGEST)], render_kw={"autocomplete": "off"}, description="Never shown."
    )
    prefix = StringField(
        "Prefix of sourcedIds",
        [Optional(), Length(max=32)],
        description="Where two SISs may use the same ids: goes before every one, and cannot be changed later.",
    )
    demographics = BooleanField("Read demographics too")
    submit = SubmitField("Register")


class ProviderSecretForm(FlaskForm):
    """The secret that a SIS has given the bridge in the place of the one before."""

    secret = PasswordField(
        "New secret",
        [DataRequired(), Length(max=_LONGEST)],
        render_kw={"autocomplete": "off"},
        description="As the SIS gives it. Never shown.",
    )
    submit_secret = SubmitField("Change the secret")


class ToolKeysForm(FlaskForm):
    """A tool's public keys: one of both."""

    jwks_url = StringField(
        "Key set URL (JWKS)",
        [Optional(), Length(max=_LONGEST)],
        description="Where its public keys are read; or…",
    )
    key_set = TextAreaField(
        "…its key set",
        [Optional(), Length(max=65536)],
        description="Pasted: a JWK set, a JWK, or one public key as PEM.",
    )
    submit_keys = SubmitField("Change the keys")


class ToolLimitsForm(SourcesForm):
    """What a tool may see, and what it is told."""

    classes = TextAreaField(
        "Of these, some classes alone",
        [Optional(), Length(max=_LONGEST_LIST)],
        description=f"{_ID_LIST}. Empty: all, also those that are added later. A class's stands on its context's page.",
    )
    shares = Checkboxes(
        "It is told of members",
        choices=[
            SelectChoice(Share.NAMES, "names"),
            SelectChoice(Share.EMAIL, "e-mail addresses"),
            SelectChoice(Share.PICTURE, "pictures"),
            SelectChoice(Share.SOURCED_ID, "the SIS's numbers"),
        ],
        default=list(DEFAULT_SHARES),
        description="Beside ids, roles and status.",
    )
    user_ids = SelectField(
        "By which id",
        choices=[
            SelectChoice(UserIds.LMS, "the LMS's own, where one is known"),
            SelectChoice(UserIds.SOURCED_ID, "the sourcedId"),
        ],
        default=UserIds.LMS,
    )
    submit_limits = SubmitField("Change what it may see")


class ToolForm(ToolKeysForm, ToolLimitsForm):
    """One LTI tool that reads memberships."""

    name = StringField("Name", [DataRequired(), Length(max=200)], description="What you call it.")
    submit = SubmitField("Register")


class FreshnessForm(FlaskForm):
    hours = WholeNumberField(
        "Read at least every … hours",
        [InputRequired(), NumberRange(0, 8760)],
        description="0: as its platform's others.",
    )
    submit_freshness = SubmitField("Set")
