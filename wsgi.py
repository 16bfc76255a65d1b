"""The WSGI entry point, for any server: ``granian --interface wsgi wsgi:app`` or ``gunicorn wsgi:app``."""

from bridge.app import from_environment

app = from_environment()
