"""What a reconciliation would do, for people and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bridge.roster.plan import ChangeKind
from bridge.sync.reconciler import Preview


def planned(preview: Preview) -> dict[str, Any]:
    """A plan as it is reported in JSON."""
    plan = preview.plan
    return {
        "complete": plan.complete,
        "wouldBeHeld": preview.objection,
        **{kind.value: plan.counts.get(kind, 0) for kind in ChangeKind},
        "collections": {
            name: {**asdict(part), "held_after": part.held_after} for name, part in plan.by_collection.items()
        },
    }


def plan_lines(name: str, preview: Preview) -> Iterator[str]:
    """A plan for people to read.

    :param name: what it is called whose roster it is.
    """
    plan = preview.plan
    yield f"{name}: " + ", ".join(f"{plan.counts.get(kind, 0)} {kind}" for kind in ChangeKind)
    for collection, part in plan.by_collection.items():
        yield (
            f"  {collection}: {part.held_before} held, {part.added} added, {part.removals} removed,"
            f" {part.held_after} afterwards"
        )
    if preview.objection:
        yield f"  would be held: {preview.objection}"
