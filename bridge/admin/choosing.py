"""What a client or a tool may see, as forms ask for it: checked against what there is."""

from collections.abc import Iterable

from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.model import Collection
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring


def offer_sources(field: SelectMultipleField, wiring: Wiring, chosen: Iterable[str] | None = None) -> None:
    """Let a form choose among the sources that there are, and those that were chosen before."""
    field.choices = [SelectChoice(name) for name in sorted({*wiring.registry.source_names(), *(chosen or ())})]


def ids_in(text: str | None, collection: Collection, parameter: str, wiring: Wiring) -> frozenset[str]:
    """The sourcedIds in a field, one on each line.

    :param parameter: the field's name.
    :raises InvalidRequest: naming the first that no record of the collection has.
    """
    found = frozenset(line.strip() for line in (text or "").splitlines() if line.strip())
    for sourced_id in sorted(found):
        try:
            wiring.pages.one(collection, sourced_id, Visibility.of_all())
        except UnknownObject as error:
            raise InvalidRequest(parameter, f"no {collection.singular} has the sourcedId {sourced_id}") from error
    return found


def lines_of(ids: Iterable[str] | None) -> str:
    """sourcedIds as a field shows them."""
    return "\n".join(sorted(ids or ()))
