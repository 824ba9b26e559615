"""The reference pages name every command, option, setting and field that there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import typer

from whorl.core.schema import verdict_schema

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def commands() -> dict[str, click.Command]:
    """Every command with its full name, groups entered."""
    from whorl.cli.app import app

    found: dict[str, click.Command] = {}

    def enter(command: click.Command, name: str) -> None:
        inside = getattr(command, "commands", None)
        if inside is None:
            found[name] = command
        for key, value in (inside or {}).items():
            enter(value, f"{name} {key}")

    enter(typer.main.get_command(app), "whorl")
    return found


def test_every_command_and_option_is_documented():
    text = page("cli.md")
    for name, command in commands().items():
        assert name in text, name
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                if option.startswith("-"):
                    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text), f"{name} {option}"


def test_no_option_is_documented_that_does_not_exist():
    known = {o for c in commands().values() for p in c.params for o in [*p.opts, *p.secondary_opts]}
    known |= {"--help", "--version", "--debug"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page("cli.md"))) <= known


@pytest.mark.parametrize("name", ["tutorial.md", "howto", "../README.md"])
def test_pages_use_options_that_exist(name):
    known = {o for c in commands().values() for p in c.params for o in [*p.opts, *p.secondary_opts]} | {"--help", "--version"}
    place = REFERENCE.parent / name
    for path in sorted(place.glob("*.md")) if place.is_dir() else [place]:
        for line in re.findall(r"^whorl .*$|`whorl [^`]*`", path.read_text(encoding="utf-8"), re.MULTILINE):
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)) - known
            assert not unknown, f"{path.name}: {line}"


def test_every_setting_is_documented():
    from whorl.techniques.pdf.instrument import SETTINGS
    from whorl.techniques.pdf.simulate import SAMPLE

    text = page("settings.md")
    for name in [*SETTINGS, *SAMPLE]:
        assert f"`{name}`" in text, name


def test_every_field_of_the_verdict_is_documented():
    text = page("verdict.md")
    schema = verdict_schema()
    models = [schema, *(schema["$defs"][name] for name in ("Candidate", "FitQuality", "Phase", "Quantity", "Provenance"))]
    for model in models:
        for field in model["properties"]:
            assert f"`{field}`" in text, field


def test_every_catalogue_and_reader_is_documented():
    from whorl.catalogues import builtin_catalogues
    from whorl.formats.registry import STRUCTURES

    for catalogue in builtin_catalogues():
        assert f"`{catalogue.name}`" in page("catalogues.md")
    for reader in STRUCTURES:
        assert reader.suffixes[0] in page("formats.md")


def test_exit_codes_are_documented():
    from whorl.cli import app
    from whorl.core.errors import MissingExtraError, UsageError, WhorlError

    text = page("errors.md")
    for code in (WhorlError.exit_code, UsageError.exit_code, MissingExtraError.exit_code, app.INTERNAL, app.INTERRUPTED):
        assert f"| {code} |" in text
