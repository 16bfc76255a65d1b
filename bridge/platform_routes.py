"""What the web application offers to LTI tools, for whom the bridge is the platform: tokens, and memberships."""

from datetime import timedelta

from flask import Flask

from bridge.auth.bearer import ToolGrant, authenticate_tool
from bridge.auth.rate_limit import RateLimit
from bridge.auth.token_endpoint import TOKEN_PATH, token_blueprint
from bridge.auth.tool_assertion import ToolAssertions
from bridge.lti.keyset import PlatformKeys
from bridge.nrps.provider import NrpsProvider, NrpsProviderSettings
from bridge.wiring import Wiring

_A_DAY = timedelta(days=1)


def add_platform_routes(app: Flask, wiring: Wiring) -> None:
    """Add the token endpoint, for OneRoster consumers too, and the memberships of every class."""
    settings = wiring.settings
    assertions = ToolAssertions(
        lambda: wiring.registry,
        keys=PlatformKeys(wiring.http, wiring.clock),
        audiences=frozenset({settings.server.public_url + TOKEN_PATH, settings.server.public_url}),
        clock=wiring.clock,
    )
    app.register_blueprint(
        token_blueprint(
            lambda: wiring.registry,
            assertions,
            lifetime=timedelta(seconds=settings.oneroster.token_lifetime),
            tool_lifetime=timedelta(seconds=settings.tools.token_lifetime),
            per_minute=settings.oneroster.token_requests_per_minute,
        )
    )

    def authenticate(authorization: str | None) -> ToolGrant:
        return authenticate_tool(authorization, wiring.registry)

    kept = timedelta(days=min(settings.retention.fact_days, settings.retention.tombstone_days))
    provider = NrpsProvider(
        NrpsProviderSettings(
            public_url=settings.server.public_url,
            max_page=settings.tools.max_page,
            at_once=settings.server.threads // 2,
            # What is kept counts from the beginning of a run, which ends some time later.
            remembered=kept - min(_A_DAY, kept / 2),
        ),
        authenticate=authenticate,
        rate_limit=RateLimit(settings.tools.requests_per_second),
        pages=lambda: wiring.pages,
        memberships=lambda: wiring.memberships,
        seals=lambda: wiring.membership_seals,
        clock=wiring.clock,
    )
    app.register_blueprint(provider.blueprint())
