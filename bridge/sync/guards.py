"""When a plan is too much to be applied without a person's word.

A broken LMS, a wrong filter or an expired enrolment batch looks like everybody leaving. Such a plan is held: nothing of
it is applied until somebody approves that these people go.
"""

from dataclasses import dataclass

from bridge.roster.plan import Plan


@dataclass(frozen=True, slots=True)
class Guards:
    """The limits.

    :param removal_share: the share of a context's members, from 0 to 1, above which removals are held…
    :param removal_count: …if they are also more than this many people.
    """

    removal_share: float = 0.10
    removal_count: int = 10

    def objection(self, plan: Plan) -> str | None:
        """Why a plan has to wait, in words for the operator; ``None`` if it may be applied."""
        if not plan.removals:
            return None
        if plan.held_after == 0:
            return f"it would empty the roster: all {plan.held_before} members would be removed"
        if plan.removals > self.removal_count and plan.removals > self.removal_share * plan.held_before:
            return f"it would remove {plan.removals} of {plan.held_before} members"
        return None
