"""When a plan is too much to be applied without a person's word.

A broken LMS, a wrong filter or an expired enrolment batch looks like everybody leaving, or like everybody being
somebody else. Such a plan is held until somebody approves it.

Names, addresses and pictures are another matter: when a platform's privacy setting is switched they change for
everybody at once, and nobody is lost by it. That is announced and not held. Documents that a changed role table derives
anew are not looked at here at all: the facts stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.roster.plan import Part, Plan
from bridge.wording import counted


@dataclass(frozen=True, slots=True)
class Toll:
    """What removals have cost a source lately.

    :param removed: how many members its runs have removed within the window, by no person's decision.
    :param members: counts how many it holds, over all its contexts. Called only if it matters.
    """

    removed: int
    members: Callable[[], int]


NO_TOLL = Toll(0, lambda: 0)


@dataclass(frozen=True, slots=True)
class Guards:
    """The limits. Shares are from 0 to 1.

    :param removal_share: the share of a context's members above which removals are held…
    :param removal_count: …if they are also more than this many people.
    :param source_removal_share: the same for all contexts of a source together: a small part of every class may be a
        large part of the school.
    :param source_window_hours: the time over which those removals are added up: a nightly round, and the day after it.
    :param hold_emptied: whether a plan is held that leaves nobody.
    :param change_share: the share of a context's members above which a plan is held that changes who they are: that
        removes them, or gives them another role or status.
    :param apply_rest: whether additions and changes are applied while removals wait.
    """

    removal_share: float = 0.10
    removal_count: int = 10
    source_removal_share: float = 0.10
    source_window_hours: int = 24
    hold_emptied: bool = True
    change_share: float = 0.75
    apply_rest: bool = False

    def objection(self, plan: Plan, toll: Toll = NO_TOLL) -> str | None:
        """Why a plan has to wait, in words for the operator; ``None`` if it may be applied."""
        return self.removal_objection(plan, toll) or self.change_objection(plan)

    def removal_objection(self, plan: Plan, toll: Toll = NO_TOLL) -> str | None:
        """Why a plan's removals have to wait, if they have to."""
        if not plan.removals:
            return None
        for name, part in plan.parts.items():
            if (objection := self._objection_to(name, part)) is not None:
                return objection
        if self.hold_emptied and plan.emptied.enrollments > self.removal_count:
            return (
                f"of the classes that stay it would leave {counted(plan.emptied.classes, 'class', 'classes')} without"
                f" anybody: {counted(plan.emptied.enrollments, 'enrollment')} would be removed"
            )
        together = toll.removed + plan.removals
        if toll.removed and together > self.removal_count:
            members = toll.members() + toll.removed
            if together > self.source_removal_share * members:
                return (
                    f"it would remove {plan.removals} of {plan.held_before} {plan.noun}, and with those removed from"
                    f" the other rosters of {plan.source} lately that is {together} of {members}"
                )
        return None

    def _objection_to(self, name: str, part: Part) -> str | None:
        if not part.removals:
            return None
        if self.hold_emptied and part.held_after == 0:
            return f"it would empty the roster: all {part.held_before} {name} would be removed"
        if part.removals > self.removal_count and part.removals > self.removal_share * part.held_before:
            return f"it would remove {part.removals} of {part.held_before} {name}"
        return None

    def change_objection(self, plan: Plan) -> str | None:
        """Why what a plan does to those who are held has to wait as a whole, if it has to."""
        for name, part in plan.parts.items():
            if part.upheavals > self.change_share * part.held_before:
                others = part.upheavals - part.removals
                does = [f"remove {part.removals}"] if part.removals else []
                does += [f"give {others} another role or status"] if others else []
                return f"of {part.held_before} {name} it would {' and '.join(does)}"
        return None

    def announcement(self, plan: Plan) -> str:
        """What is to be told of a plan that is not held: that the names of most have changed. Empty: nothing."""
        if plan.details > self.removal_count and plan.details > self.change_share * plan.held_before:
            return (
                f"names or contact details of {plan.details} of {plan.held_before} {plan.noun} have changed: what the"
                " platform shares with the bridge may have been switched"
            )
        return ""
