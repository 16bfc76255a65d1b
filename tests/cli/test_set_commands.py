"""The ``set`` commands of whatever is registered have one manner."""

import click
import pytest

from bridge.cli import cli

SETTABLE = {
    "platforms": ("[NAME=VALUE]...", "--application", "--no-application"),
    "contexts": ("--freshness-hours",),
    "sources": ("--base-url", "--auth", "--demographics/--no-demographics", "--freshness-hours"),
    "clients": ("--source", "--org", "--class", "--privacy", "--all-sources", "--everything"),
    "tools": ("--name", "--source", "--every-source", "--share", "--user-ids"),
    "operators": ("--source", "--all-sources", "--personal-data/--no-personal-data"),
}


def test_no_set_command_is_forgotten_here():
    context = click.Context(cli)
    groups = {name: cli.get_command(context, name) for name in cli.list_commands(context)}

    assert {name for name, group in groups.items() if "set" in getattr(group, "commands", ())} == SETTABLE.keys()


@pytest.mark.parametrize("group", SETTABLE)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["text", "json"])
def test_nothing_to_set_is_refused_and_what_can_be_set_is_named(bridge, group, more):
    ran = bridge(group, "set", "somebody", *more)

    assert (ran.code, ran.out) == (2, "")
    assert "name what is to change: " in ran.err
    assert [name for name in SETTABLE[group] if name not in " ".join(ran.err.split())] == []
    assert "as-json" not in ran.err


@pytest.mark.parametrize(
    ("group", "options"),
    [
        ("clients", ("--source=north", "--all-sources")),
        ("operators", ("--source=north", "--all-sources")),
        ("tools", ("--source=north", "--every-source")),
        ("tools", ("--class=7a", "--every-class")),
        ("platforms", ("--application=Quiz", "--no-application")),
    ],
    ids=["client", "operator", "tool", "tool's classes", "platform"],
)
def test_all_and_only_some_is_refused(bridge, group, options):
    ran = bridge(group, "set", "somebody", *options)

    assert (ran.code, "not both" in ran.err) == (2, True)
