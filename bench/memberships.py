"""The figure of the NRPS provider under load: containers of classes of a thousand members, drawn from many."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import requests

from bench.fill import Size
from bench.load import Asked, as_headers, compare, load
from bench.rows import Row
from bench.serving import serving
from bridge.auth.tokens import issue_token
from bridge.nrps.provider import CONTEXTS_PATH
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.roster.sharing import Share
from bridge.settings import load_settings
from bridge.wiring import Wiring

_ENROLLMENTS = 1_060
"""Of a class. Every twentieth has ended, which leaves a thousand members."""

_A_DAY = timedelta(days=1)


def size_with(classes: int) -> Size:
    """The size of a mirror that has so many of them."""
    return Size(classes * _ENROLLMENTS, per_class=_ENROLLMENTS)


def measured_memberships(folder: Path, *, seconds: int, rounds: int) -> Iterator[Row]:
    """Tell the members of a mirror that was filled to :func:`size_with`, and let a tool that is told all read them."""
    wiring = Wiring(load_settings(environ={"BRIDGE_CONFIG": str(folder / "bridge.toml")}))
    try:
        wiring.telling.work()
        tool = wiring.registry.tools.add("bench", jwks_url="https://tool.example.org/jwks", shares=list(Share))
        token = issue_token(wiring.registry.tool_tokens, tool.client_id, [CONTEXT_MEMBERSHIP_SCOPE], lifetime=_A_DAY)
        found = wiring.mirror.db.execute("SELECT sourcedId FROM classes ORDER BY seq").fetchall()
    finally:
        wiring.close()
    asked = [Asked(f"{CONTEXTS_PATH}/{quote(class_, safe='')}/memberships", token) for (class_,) in found]
    with serving(folder, workers=2, bodies={}) as served:
        answer = requests.get(f"http://127.0.0.1:{served.port}{asked[0].path}", headers=as_headers(token), timeout=60)
        answer.raise_for_status()
    members = len(msgspec.json.decode(answer.content)["members"])
    with serving(folder, workers=2, bodies={"container": answer.content}) as served:
        ratio = compare(
            lambda: load(served.port, [Asked("/static/container")], seconds=seconds),
            lambda: load(served.port, asked, seconds=seconds),
            rounds=rounds,
        )
    yield Row(
        f"NRPS container of a class of {members}, drawn from {len(asked)}, of static",
        ratio.rate,
        0.3,
        note=f"{ratio.candidate.rate:.0f}/s, {len(answer.content) // 1000} kB",
    )
