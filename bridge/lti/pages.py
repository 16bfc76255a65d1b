"""The tool's pages: what they may load, and how they are sent.

A page loads scripts of the bridge's own and nothing else, may be shown inside a platform's frame, and is not stored.
"""

import secrets

from flask import Response, make_response, render_template

from bridge.lti.rules import STATIC_PATH, LaunchRules

_SELF = "'self'"


def page(
    template: str, rules: LaunchRules, *scripts: str, status: int = 200, forms_lead_to: str = "", **values: object
) -> Response:
    """A page.

    :param scripts: those of ``static/`` that it runs, in order.
    :param forms_lead_to: where its forms may lead besides the bridge itself, as sources of a Content Security Policy.
    """
    nonce = secrets.token_urlsafe(16)
    runs = "'self'" if scripts else "'none'"
    urls = [f"{rules.public_url}{STATIC_PATH}/{script}" for script in scripts]
    response = make_response(
        render_template(template, style_nonce=nonce, scripts=urls, public_url=rules.public_url, **values), status
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src {runs};"
        f" connect-src 'self'; form-action {' '.join(filter(None, (_SELF, forms_lead_to)))}; base-uri 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    # With no-referrer a form's own post would say that it comes from nowhere, and it has to say that it comes from us.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
