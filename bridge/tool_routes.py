"""What the web application offers to LTI tools by an API key: launches in, memberships and launches out."""

from datetime import timedelta

from flask import Flask

from bridge.api.launches import launches_blueprint
from bridge.api.ltiaas import ltiaas_blueprint
from bridge.api.tools import ToolApi
from bridge.auth.rate_limit import RateLimit
from bridge.lti.keyset import PlatformKeys
from bridge.wiring import Wiring


def add_tool_routes(app: Flask, wiring: Wiring) -> None:
    """Add what is described in ``docs/feeders.md``."""
    settings = wiring.settings
    api = ToolApi(
        registry=lambda: wiring.registry,
        mirror=lambda: wiring.mirror_to_read,
        memberships=lambda: wiring.memberships,
        reading=lambda: wiring.pages.reading(),
        seals=lambda: wiring.tool_seals,
        keys=PlatformKeys(wiring.http, wiring.clock),
        rules=wiring.launch_rules,
        grace=timedelta(seconds=settings.feeders.grace),
        most_kept=settings.feeders.kept_megabytes * 1024 * 1024,
        max_page=settings.tools.max_page,
        rate_limit=RateLimit(settings.tools.requests_per_second),
        clock=wiring.clock,
    )
    app.register_blueprint(launches_blueprint(api))
    app.register_blueprint(ltiaas_blueprint(api))
