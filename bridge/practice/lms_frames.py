"""The practice LMS's course page that shows the tool in a frame, and keeps data for it: LTI Platform Storage 0.1.

A tool whose cookies the browser does not keep inside somebody else's page asks that page by ``postMessage``. Which
frame answers is told in the login request (``lti_storage_target``), or found out by asking (``lti.capabilities``).
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, render_template_string, request, url_for

from bridge.practice.rosters import Roster

STORAGE_FRAME = "lms_storage"
"""The frame beside the tool's that answers, where it is not the course page itself."""

_STORE = """
const kept = new Map();
window.asked = [];
window.addEventListener("message", (event) => {
  const { subject, message_id, key, value } = event.data;
  const answer = { subject: `${subject}.response`, message_id };
  const slot = JSON.stringify([event.origin, key]);
  window.asked.push(subject);
  if (subject === "lti.capabilities") {
    answer.supported_messages = CAPABILITIES;
  } else if (subject === "lti.put_data" && KEEPS) {
    kept.set(slot, value);
    Object.assign(answer, { key, value });
  } else if (subject === "lti.get_data" && KEEPS) {
    Object.assign(answer, { key, value: kept.get(slot) ?? null });
  } else {
    return;
  }
  event.source.postMessage(answer, event.origin);
});
"""

_COURSE_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ course.title }}</title>
<script>const CAPABILITIES = {{ capabilities | tojson }}; const KEEPS = {{ page_keeps | tojson }};
{{ store | safe }}</script></head>
<body><h1>{{ course.label }} {{ course.title }}</h1>
{% if storage_frame %}
<iframe name="{{ storage_frame }}" src="{{ url_for('storage_frame') }}" hidden></iframe>
{% endif %}
<iframe name="tool" title="The tool" src="{{ launch_url }}" width="600" height="700"></iframe>
</body></html>
"""

_STORAGE_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Storage</title>
<script>const CAPABILITIES = []; const KEEPS = true;
{{ store | safe }}</script></head><body></body></html>
"""


@dataclass(slots=True, kw_only=True)
class Storage:
    """How the course page keeps data, to be changed while the LMS runs.

    :param target: the frame that answers: ``_parent`` for the course page itself, :data:`STORAGE_FRAME` for one beside
        the tool's; ``None`` for an LMS without storage.
    :param announced: whether the login request names it.
    """

    target: str | None = "_parent"
    announced: bool = True

    def login_fields(self) -> dict[str, str]:
        """What the login request says of it."""
        return {"lti_storage_target": self.target} if self.target and self.announced else {}


def add_frames(app: Flask, roster: Roster, storage: Storage) -> None:
    """Add ``/courses/<context_id>/frame?user=…``, which launches the tool in a frame."""

    @app.get("/courses/<context_id>/frame")
    def course_page(context_id: str) -> str:
        target = storage.target
        frame = {"frame": target} if target == STORAGE_FRAME else {}
        subjects = ("lti.put_data", "lti.get_data") if target else ()
        return render_template_string(
            _COURSE_PAGE,
            course=roster.course(context_id),
            capabilities=[{"subject": subject, **frame} for subject in subjects],
            page_keeps=target == "_parent",
            storage_frame=STORAGE_FRAME if frame else None,
            store=_STORE,
            launch_url=f"{url_for('launch', context_id=context_id)}?{urlencode({**request.args, 'framed': 'yes'})}",
        )

    @app.get("/storage")
    def storage_frame() -> str:
        return render_template_string(_STORAGE_PAGE, store=_STORE)
