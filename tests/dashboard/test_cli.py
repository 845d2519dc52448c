"""The command line: exit codes, JSON answers, marked exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard import cli
from dashboard.door_tokens import digest_of

HEADER = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;marking"
LINE = "essai;{id};incident;seizure;2026-03-01T10:00;5.37;43.3;point;{marking}"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "base" / "essai.duckdb"
    monkeypatch.setenv("HEXACROSS_STORE", str(path))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of a command."""
    monkeypatch.setattr("sys.argv", ["hexacross", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_load_answers_in_json_and_status_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.csv", *(LINE.format(id=number, marking="internal") for number in range(4)))
    assert run(monkeypatch, "load", str(file), "--json") == 0
    [ledger] = json.loads(capsys.readouterr().out)["loads"]
    assert (ledger["lines"], ledger["accepted"], ledger["repeated"], ledger["refused"]) == (4, 4, 0, 0)
    assert run(monkeypatch, "status", "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["markings"], status["first_day"], len(status["loads"])) == (["internal"], "2026-03-01", 1)


def test_refused_lines_give_3_and_an_unreadable_file_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = write(tmp_path / "b.csv", LINE.format(id=1, marking="internal"), LINE.format(id=2, marking="secret"))
    assert run(monkeypatch, "load", str(bad)) == cli.REFUSED_LINES
    empty = tmp_path / "vide.csv"
    empty.write_bytes(b"")
    assert run(monkeypatch, "load", str(empty)) == 1


def test_wrong_usage_gives_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "load") == 2
    assert run(monkeypatch, "demo", "--events", "0") == 2


def test_an_unknown_setting_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEXACROSS_PROT", "1")
    assert run(monkeypatch, "status") == 1
    assert "HEXACROSS_PORT" in capsys.readouterr().err


def test_an_export_carries_its_marking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "a.csv", *(LINE.format(id=number, marking="restricted") for number in range(3)))
    assert run(monkeypatch, "load", str(file)) == 0
    capsys.readouterr()
    assert run(monkeypatch, "export", str(tmp_path / "carte.csv"), "--view", "resolution=8") == 0
    written = Path(capsys.readouterr().out.strip())
    assert written.name == "carte-diffusion-restreinte.csv"
    rows = written.read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2  # header, and one hexagon with three incidents
    assert ";3.0;" in rows[1]
    assert run(monkeypatch, "export", str(tmp_path / "carte.docx")) == 1


def test_doctor_says_what_is_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "doctor", "--json")
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"Programme", "Base", "Disque"} <= {finding["subject"] for finding in findings}
    [base] = [finding for finding in findings if finding["subject"] == "Base"]
    assert base["state"] == "warning"  # no store yet
    assert "hexacross load" in base["advice"]


def test_doctor_names_the_one_other_host(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "doctor", "--json")
    assert "aucune demande ne sort" in capsys.readouterr().out
    monkeypatch.setenv("HEXACROSS_TILES_URL", "https://tuiles.intra:8443/{z}/{x}/{y}.png")
    monkeypatch.setenv("HEXACROSS_TILES_ATTRIBUTION", "© Nous")
    run(monkeypatch, "doctor", "--json")
    [finding] = [row for row in json.loads(capsys.readouterr().out)["findings"] if row["subject"] == "Fond de carte"]
    assert "https://tuiles.intra:8443" in finding["text"]
    assert "© Nous" in finding["text"]


def test_tokens_are_made_listed_and_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEXACROSS_TOKENS", str(tmp_path / "tokens.ndjson"))
    assert run(monkeypatch, "token", "create", "essai", "--marking", "restricted", "--marking", "internal") == 0
    token = capsys.readouterr().out.strip()
    assert run(monkeypatch, "token", "list", "--json") == 0
    [listed] = json.loads(capsys.readouterr().out)["tokens"]
    assert (listed["source"], listed["markings"], listed["revoked"]) == ("essai", ["restricted", "internal"], None)
    assert digest_of(token).startswith(listed["name"])
    assert run(monkeypatch, "token", "revoke", listed["name"]) == 0
    assert run(monkeypatch, "token", "list") == 0
    assert "retirée le" in capsys.readouterr().out
    assert run(monkeypatch, "token", "create", "essai", "--marking", "secret") == 1


def test_help_is_in_french(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "load", "--help") == 0
    text = capsys.readouterr().out
    assert "Afficher cette aide" in text
    assert "Show this message" not in text


def test_the_lists_and_the_plan_in_use_are_checked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEXACROSS_LISTS", str(tmp_path))
    assert run(monkeypatch, "lists", "copy", str(tmp_path)) == 0
    assert run(monkeypatch, "lists", "check") == 0
    assert "control_plan.csv" not in capsys.readouterr().out.partition("16 antennes, 31 CROSS")[2]  # there is none yet
    plan = tmp_path / "control_plan.csv"
    line = "departement:13;road;2026-01-01;2026-03-31;{planned}\n"
    plan.write_text("territory;mode;first_day;last_day;planned\n" + line.format(planned=120), encoding="utf-8")
    assert run(monkeypatch, "lists", "check") == 0
    assert "control_plan.csv : 1 ligne(s), sans anomalie" in capsys.readouterr().out
    plan.write_text("territory;mode;first_day;last_day;planned\n" + line.format(planned="beaucoup"), encoding="utf-8")
    assert run(monkeypatch, "lists", "check") == 1
    assert "planned « beaucoup »" in " ".join(capsys.readouterr().err.split())
