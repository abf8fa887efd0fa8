from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Shell


def test_backup_prints_where_it_is(shell: Shell, add) -> None:
    add("night")
    result = shell("backup")
    copy = Path(result.stdout.strip())
    assert result.exit_code == 0
    assert copy.parent == shell.home.root / "backups"
    assert copy.stat().st_size > 0
    assert shell("backup", str(copy)).exit_code == 2
