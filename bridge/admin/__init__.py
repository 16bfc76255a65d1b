"""The operator's pages at ``/admin/``.

They read both files and write the registry: what is to happen to the mirror is asked for there, and the reconciler does
it. They are an application of their own, mounted beside the services, so that sessions, cookies and CSRF tokens are
theirs alone and cost a OneRoster request nothing. docs/admin.md shows them.
"""
