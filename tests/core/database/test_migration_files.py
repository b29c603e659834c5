from __future__ import annotations

import pytest

from rookery_core.database import migration_files
from rookery_core.database.migration_files import FormerNumber, MigrationFileError, ordered
from rookery_core.database.schema import installed_schemas

HEADER = "-- requires-program: 0.1.0\n"


def test_migrations_come_in_the_order_of_their_numbers() -> None:
    found = ordered("s", {"0002_b.sql": HEADER + "select 2;", "0001_a.sql": HEADER + "select 1;"})
    assert [str(one) for one in found] == ["s/0001_a", "s/0002_b"]
    assert [one.requires_program for one in found] == ["0.1.0", "0.1.0"]


def test_who_runs_a_migration_is_said_in_its_second_line() -> None:
    found = ordered("s", {"0001_a.sql": HEADER + "-- runs-as: login\n", "0002_b.sql": HEADER + "select 1;"})
    assert [one.runs_as for one in found] == ["login", "owner"]


def test_line_ends_do_not_change_what_a_migration_is() -> None:
    (unix,) = ordered("s", {"0001_a.sql": HEADER + "select 1;\n"})
    (dos,) = ordered("s", {"0001_a.sql": (HEADER + "select 1;\n").replace("\n", "\r\n")})
    assert unix.sha256 == dos.sha256


def test_a_renumbered_file_says_what_older_databases_recorded() -> None:
    first, second = ordered(
        "s", {"0001_a.sql": HEADER, "0002_b.sql": HEADER}, '[0001_a]\nnumber = 12\nsha256 = "ab"\n'
    )
    assert first.former == FormerNumber(12, "ab")
    assert second.former is None


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ({"0001_a.sql": HEADER, "0001_b.sql": HEADER}, "two migrations of that number"),
        ({"0001_a.sql": HEADER, "0003_c.sql": HEADER}, "no migration 0002 before"),
        ({"0002_a.sql": HEADER}, "no migration 0001 before"),
        ({"1_a.sql": HEADER}, "NNNN_name"),
        ({"0001_Caps.sql": HEADER}, "NNNN_name"),
        ({"0001_a.sql": "select 1;"}, "requires-program"),
        ({"0001_a.sql": "-- requires-program: soon\n"}, "requires-program"),
    ],
)
def test_a_folder_that_is_not_right_is_refused(texts: dict[str, str], complaint: str) -> None:
    with pytest.raises(MigrationFileError, match=complaint):
        ordered("s", texts)


def test_every_installed_schema_has_readable_migrations_after_those_it_depends_on() -> None:
    schemas = installed_schemas()
    names = [schema.name for schema in schemas]
    assert names[0] == "queue"
    for schema in schemas:
        assert all(names.index(other) < names.index(schema.name) for other in schema.depends_on)
        migration_files.read(schema)
