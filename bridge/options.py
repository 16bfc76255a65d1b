"""What an option is: declared once, then read, checked and documented from that declaration.

A section is a frozen dataclass whose fields are made by :func:`option`; its docstring says what the section is about.
:func:`read_section` reads one. Which options there are is :mod:`bridge.settings`' business, and how they are documented
:mod:`bridge.settings_documents`'.

Values have two spellings: TOML's, typed, and the environment's, text. Text is turned into what TOML would have said
and then goes through the same checks. A problem names the option and what would be right, never the value, which may
hold a password.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate

Field = fields.Field[Any]


def option(default: Any, field: Field, meaning: str) -> Any:
    """Declare an option as a field of a section.

    :param field: reads and checks a value, made by one of the functions below.
    :param meaning: what the option does, in sentences, for whoever runs the bridge.
    """
    return dataclasses.field(default=default, metadata={"field": field, "meaning": meaning})


def text() -> Field:
    """Any text."""
    return _field(fields.String, "a text")


def choice(*values: str) -> Field:
    """One of some words."""
    allowed = _either(values)
    return _field(fields.String, allowed, validate=validate.OneOf(values, error=f"must be {allowed}"))


def choice_of(enumeration: type[StrEnum]) -> Field:
    """One of an enumeration's words, read as its member."""
    allowed = _either(tuple(enumeration))
    return _field(fields.Enum, allowed, enum=enumeration, by_value=True)


def flag() -> Field:
    """On or off."""
    return _field(_Flag, "true or false")


def whole(low: int, high: int) -> Field:
    """A whole number within bounds, both allowed."""
    allowed = f"a whole number from {low} to {high}"
    return _field(fields.Integer, allowed, strict=True, validate=validate.Range(low, high, error=f"must be {allowed}"))


def number(low: float, high: float) -> Field:
    """A number within bounds, both allowed."""
    allowed = f"a number from {low:g} to {high:g}"
    return _field(_Number, allowed, validate=validate.Range(low, high, error=f"must be {allowed}"))


def folder() -> Field:
    """A folder, read as a path."""
    return _field(_Path, "a path", validate=_check("a path", lambda value: value is not None))


def optional_file() -> Field:
    """A file, read as a path, or as ``None`` where the text is empty."""
    return _field(_Path, "a path, or empty")


def root_url() -> Field:
    """The address under which a site is reached; a slash at its end is dropped."""
    return _field(_RootUrl, 'an http or https address without user name, query and "/ims"')


def hosts() -> Field:
    """A list of host names, read as a tuple."""
    allowed = 'a list of hosts, each as "host" or "host:port"'
    return _field(_Tuple, allowed, cls_or_instance=_field(fields.String, allowed, validate=_check(allowed, _is_host)))


def origins() -> Field:
    """A list of web origins, read as a tuple."""
    allowed = 'a list of origins, each as "https://host" or "https://host:port", or "*" for all'
    return _field(_Tuple, allowed, cls_or_instance=_field(fields.String, allowed, validate=_check(allowed, _is_origin)))


def month_and_day() -> Field:
    """A day that every year has, read as ``(month, day)``."""
    return _field(_MonthDay, 'a month and a day such as "08-01", and not "02-29"')


def time_of_day() -> Field:
    """A time on the wall clock, read as such, or as ``None`` where the text is empty."""
    return _field(_Time, 'a time such as "02:00", or empty')


def daily_ranges() -> Field:
    """A list of spans of the day, read as a tuple of pairs of times."""
    allowed = 'a list of times of day, each as "07:30-09:00"'
    return _field(_Tuple, allowed, cls_or_instance=_field(_DailyRange, allowed))


def day_ranges() -> Field:
    """A list of spans of days, both ends included, read as a tuple of pairs of dates."""
    allowed = 'a list of days, each as "2026-07-20/2026-08-02", or "2026-07-20" for one'
    return _field(_Tuple, allowed, cls_or_instance=_field(_DayRange, allowed))


def time_zone() -> Field:
    """The name of a time zone."""
    allowed = 'the name of a time zone that this machine knows, such as "Europe/Oslo"'
    return _field(fields.String, allowed, validate=_check(allowed, _is_time_zone))


def read_section(
    name: str, section: type[Any], table: Mapping[str, Any], variables: Mapping[str, str], *, where: str
) -> tuple[Any, list[str]]:
    """Read one section.

    :param table: what the file says.
    :param variables: what the environment says, which goes before; by the variables' full names.
    :param where: what to call the file.
    :returns: the section, or ``None`` if there are problems; and every problem.
    """
    defaults = defaults_of(section)
    by_variable = {variable_name(name, key): key for key in defaults}
    problems = [
        f"{where}: [{name}] {key}: no such option{did_you_mean(key, defaults)}" for key in table.keys() - defaults
    ]
    problems += [f"{key}: no such option{did_you_mean(key, by_variable)}" for key in variables.keys() - by_variable]
    values = {key: value for key, value in table.items() if key in defaults}
    origins = {key: f"{where}: [{name}] {key}" for key in values}
    for variable in variables.keys() & by_variable:
        key = by_variable[variable]
        values[key] = _typed(variables[variable], defaults[key])
        origins[key] = variable
    loaded = None
    try:
        loaded = section(**_schema(section).load(values))
    except ValidationError as error:
        by_option = cast(dict[str, Any], error.messages)
        problems += [f"{origins[key]}: {_first(messages)}" for key, messages in by_option.items()]
    return loaded if not problems else None, sorted(problems)


def defaults_of(section: type[Any]) -> dict[str, Any]:
    """The section's options and their defaults, as TOML would say them."""
    return cast(dict[str, Any], _schema(section).dump(section()))


def variable_name(section: str, key: str) -> str:
    """The environment variable that overrides an option."""
    return f"BRIDGE_{section}_{key}".upper()


def did_you_mean(word: str, known: Mapping[str, Any]) -> str:
    """The end of a sentence that says that a word is unknown."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


class _Flag(fields.Boolean):
    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class _Number(fields.Float):
    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> float:
        if isinstance(value, str):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **kwargs)


class _Tuple(fields.List[Any]):
    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(*args, **kwargs))


class _Path(fields.String):
    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return "" if value is None else str(value)

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        written = super()._deserialize(*args, **kwargs)
        return Path(written) if written else None


class _RootUrl(fields.String):
    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        url = str(super()._deserialize(*args, **kwargs)).rstrip("/")
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            right = False
        if not right or re.search(r"[\s?#@]", url) or parts.path.endswith("/ims"):
            raise self.make_error("invalid")
        return url


class _MonthDay(fields.String):
    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        month, day = value
        return f"{month:02d}-{day:02d}"

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        written = super()._deserialize(*args, **kwargs)
        try:
            day = date.fromisoformat(f"2001-{written}")  # a year without a leap day
        except ValueError:
            raise self.make_error("invalid") from None
        return day.month, day.day


class _Time(fields.String):
    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return "" if value is None else f"{value:%H:%M}"

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        written = super()._deserialize(*args, **kwargs)
        return self._read(written) if written else None

    def _read(self, written: str) -> time:
        if not re.fullmatch(r"[0-9]{2}:[0-9]{2}", written):
            raise self.make_error("invalid")
        try:
            return time.fromisoformat(written)
        except ValueError:
            raise self.make_error("invalid") from None


class _DailyRange(_Time):
    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        begin, end = value
        return f"{begin:%H:%M}-{end:%H:%M}"

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        begin, _, end = fields.String._deserialize(self, *args, **kwargs).partition("-")
        span = self._read(begin), self._read(end)
        if span[0] == span[1]:
            raise self.make_error("invalid")
        return span


class _DayRange(fields.String):
    def _serialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return "/".join(day.isoformat() for day in value)

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        first, _, last = super()._deserialize(*args, **kwargs).partition("/")
        try:
            days = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            raise self.make_error("invalid") from None
        if days[0] > days[1]:
            raise self.make_error("invalid")
        return days


def _field(kind: type[Field], allowed: str, **arguments: Any) -> Field:
    """A field that words every refusal as the reference words the option."""
    refusals: dict[str, str | list[Any] | dict[Any, Any]] = dict.fromkeys(
        ("invalid", "invalid_utf8", "special", "too_large", "unknown", "null"), f"must be {allowed}"
    )
    return kind(metadata={"allowed": allowed}, error_messages=refusals, **arguments)


def _either(words: tuple[str, ...]) -> str:
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)} or {last}"


def _check(allowed: str, holds: Callable[[Any], bool]) -> Callable[[Any], None]:
    def validator(value: Any) -> None:
        if not holds(value):
            raise ValidationError(f"must be {allowed}")

    return validator


def _is_host(value: str) -> bool:
    return re.fullmatch(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", value, re.IGNORECASE) is not None


def _is_origin(value: str) -> bool:
    scheme, separator, host = value.partition("://")
    return value == "*" or (scheme in ("http", "https") and bool(separator) and _is_host(host) and host == host.lower())


def _is_time_zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown; not a name; the name of a folder of zones
        return False
    return True


def _schema(section: type[Any]) -> Schema:
    return Schema.from_dict({field.name: field.metadata["field"] for field in dataclasses.fields(section)})()


def _typed(written: str, default: Any) -> Any:
    """What TOML would have said; the text itself where that is unclear, for the check to refuse."""
    if isinstance(default, list):
        return [part.strip() for part in written.split(",") if part.strip()]
    if isinstance(default, str):
        return written
    try:
        return json.loads(written.strip().lower())  # true, false and numbers are written alike
    except ValueError:
        return written


def _first(messages: Any) -> str:
    """One sentence out of a field's messages, which a list nests by the item's index."""
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, Mapping) else messages))
    return messages
