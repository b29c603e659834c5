"""compose.yaml and the Dockerfile say what exists: valid by the specification, real commands, known variables."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
LOGINS = ("SLACK", "DOCS", "GITHUB", "MEMORY", "INGEST", "AGENT")
OF_THE_DATABASE_IMAGE = {
    "POSTGRES_PASSWORD",
    "POSTGRES_DB",
    "PGPASSWORD",
    *(f"LOGIN_PASSWORD_{part}" for part in LOGINS),
    *(f"ROOKERY_LOGIN_PASSWORD_{part}" for part in LOGINS),
}
COMMANDS = {point.name for point in entry_points(group="console_scripts") if point.name.startswith("rookery")}


def test_compose_fits_the_specification() -> None:
    checked = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def command_lines(service: dict[str, Any]) -> list[list[str]]:
    command = service["command"]
    if command[0] != "sh":
        return [command]
    return [part.split() for part in command[2].split("&&")]


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_and_takes_these_options(name: str) -> None:
    for line in command_lines(OURS[name]):
        assert line[0] in COMMANDS
        words = [word for word in line[1:] if not word.startswith("-")][: 2 if line[0] == "rookery" else 1]
        subcommands = words if line[0] in ("rookery", "rookery-ingest") else []
        told = subprocess.run(
            [BIN / line[0], *subcommands, "--help"], capture_output=True, text=True, check=True
        )
        for option in (word for word in line if word.startswith("--")):
            assert option in told.stdout


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_no_server_holds_the_owners_password() -> None:
    for name, service in OURS.items():
        if name != "migrate":
            assert "POSTGRES_PASSWORD" not in str(service["environment"])


def test_every_login_has_a_password_that_no_other_service_holds() -> None:
    holders: dict[str, set[str]] = {}
    for name, service in OURS.items():
        login = re.match(r"postgresql://(\w+):\$\{(\w+)\}@", service["environment"]["DATABASE_URL"])
        assert login, f"{name} has a password that is not one variable"
        assert str(service).count("PASSWORD") == 1
        holders.setdefault(login[2], set()).add(login[1])
    assert all(len(logins) == 1 for logins in holders.values())
    assert holders.keys() - {"POSTGRES_PASSWORD"} == {f"ROOKERY_LOGIN_PASSWORD_{part}" for part in LOGINS}


def test_each_login_is_created_with_its_password(tmp_path: Path) -> None:
    """Runs the script of the service `logins` with a psql that prints its arguments."""
    (tmp_path / "psql").write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    (tmp_path / "psql").chmod(0o755)
    passwords = {f"LOGIN_PASSWORD_{part}": f"of {part}" for part in LOGINS}
    script = SERVICES["logins"]["command"][0].replace("$$", "$")
    printed = subprocess.run(
        ["/bin/sh", "-ec", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin", **passwords},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(printed) == len(LOGINS)
    for line, part in zip(printed, LOGINS, strict=True):
        assert f"login=rookery_login_{part.lower()} " in line
        assert line.endswith(f"password=of {part}")


def test_every_variable_is_in_the_example() -> None:
    example = set(
        re.findall(
            r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text))
    assert asked <= example, asked - example


def test_every_variable_of_our_containers_is_one_that_we_read() -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("core", "slackapi", "servers", "ingest", "orchestrator")
        for path in (ROOT / folder).rglob("*.py")
    )
    for service in OURS.values():
        for variable in service["environment"]:
            known = f'"{variable}"' in source or f"${{{variable}}}" in str(COMPOSE["configs"])
            assert known, f"{variable} is read by no part of Rookery"


def test_images_are_pinned_by_tag() -> None:
    for service in SERVICES.values():
        _, _, tag = service["image"].partition(":")
        assert tag
        assert tag != "latest"


def test_the_data_is_on_the_named_volume_where_this_image_writes_it() -> None:
    assert SERVICES["db"]["volumes"] == ["database:/home/postgres/pgdata"]
    assert "database" in COMPOSE["volumes"]


def test_the_dockerfile_copies_what_is_there() -> None:
    for source in re.findall(
        r"^COPY (?!--from)(\S+) ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert (ROOT / source).exists()
