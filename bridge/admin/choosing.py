"""What a client or a tool may see, as forms ask for it: checked against what there is."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectMultipleField, ValidationError, widgets
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from bridge.errors import InvalidRequest, UnknownObject
from bridge.roster.model import Collection
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring

_ALL, _THESE = "all", "these"


class Checkboxes(SelectMultipleField):
    """Any number of some choices."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class SourcesForm(FlaskForm):
    """Which sources may be seen.

    No box ticked says neither "all" nor "none", so "all" is said in a word of its own. Boxes that are ticked beside
    that word are refused, because one of the two was not meant; those that were ticked before and left so say nothing.
    """

    reach = RadioField(
        "It may see",
        [InputRequired("Choose one of these two.")],
        choices=[
            SelectChoice(_ALL, "all sources, also those that are added later"),
            SelectChoice(_THESE, "only these:"),
        ],
    )
    sources = Checkboxes("The sources that it may see", choices=[])

    def validate_reach(self, field: Field) -> None:
        ticked, before = (set(names or ()) for names in (self.sources.data, self.sources.object_data))
        if field.data == _THESE and not ticked:
            raise ValidationError(
                "Tick at least one source. One that is to see nothing at all is revoked, or not registered."
            )
        if field.data == _ALL and ticked and ticked != before:
            raise ValidationError(
                "Sources are ticked, and all are chosen: choose “only these”, or leave the boxes as they were."
            )

    def offer(self, wiring: Wiring) -> None:
        """Let it choose among the sources that there are, and those that were chosen before."""
        names = {*wiring.registry.source_names(), *(self.sources.object_data or ())}
        self.sources.choices = [SelectChoice(name) for name in sorted(names)]

    @property
    def chosen(self) -> frozenset[str] | None:
        """The sources, once the form is found valid: never none; ``None`` means every one."""
        return None if self.reach.data == _ALL else frozenset(self.sources.data or ())


def as_chosen(sources: Iterable[str] | None) -> dict[str, object]:
    """What a :class:`SourcesForm` begins with where it was chosen before."""
    return {"reach": _ALL if sources is None else _THESE, "sources": sorted(sources or ())}


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
