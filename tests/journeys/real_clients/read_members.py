"""Run in an environment of PyLTI1p3 or pylti1p3next: reads every member with it, and prints them as JSON.

The platform and the tool's keys come as JSON on standard input.
"""

import json
import sys

from pylti1p3.names_roles import NamesRolesProvisioningService
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector


class Connector(ServiceConnector):
    """With a place for access tokens, which pylti1p3next leaves to each web framework."""

    def _get_cached_access_token(self, scope_key):
        return vars(self).get(scope_key)

    def _cache_access_token(self, scope_key, access_token, expires_in):
        vars(self)[scope_key] = access_token


given = json.load(sys.stdin)
registration = (
    Registration()
    .set_issuer(given["issuer"])
    .set_client_id(given["client_id"])
    .set_auth_token_url(given["token_url"])
    .set_tool_private_key(given["private_key"])
    .set_tool_public_key(given["public_key"])
)
service = NamesRolesProvisioningService(Connector(registration), {"context_memberships_url": given["memberships_url"]})
json.dump(list(service.get_members()), sys.stdout)
