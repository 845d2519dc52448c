"""The script of a wall: read whole or refused with every fault, its line and its scene."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dashboard.cli import app, main
from dashboard.wall_page import BANDS, COLOURS
from dashboard.wall_script import (
    MOST_BYTES,
    SHIPPED,
    UnknownWallError,
    WallError,
    WallScript,
    find_script,
    read_script,
    script_names,
    wall_folders,
)
from dashboard.wall_sections import Fault, lines_of_keys
from dashboard.wall_sight import EASE_ARCMIN, LEAST_ARCMIN, Screen, screen_fault
from data.geography import geography
from data.query import Territory
from layers.colours import DARK, contrast

GOOD = """titre = "Essai"  # [[scene]] in a comment is none
[ecran]
diagonale = 85
distance = 8
[[scene]]
type = "texte"
texte = '''
[[scene]]
type = "faux"
'''
[[scene]]
type = "carte"
territoire = "cross:marseille"
du = 2026-03-01
au = "2026-03-31"
zoom = 10.5
produit = ["cocaine", "crack"]
"""


def written(folder: Path, text: str | bytes, name: str = "essai") -> Path:
    path = folder / f"{name}.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, name: str = "essai") -> WallScript:
    return read_script(written(folder, text, name), (folder, SHIPPED), geography())


def faults(folder: Path, text: str | bytes, name: str = "essai") -> list[str]:
    with pytest.raises(WallError) as raised:
        read(folder, text, name)
    return [str(fault.message) for fault in raised.value.faults]


def scene(**values: str) -> str:
    return "[[scene]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def test_three_scripts_are_ready() -> None:
    names = script_names(wall_folders(""))
    assert names == ["antenne", "cross", "national"]
    for name in names:
        script = read_script(find_script(name, wall_folders("")), wall_folders(""), geography())
        assert len(script.scenes) >= 5
        assert {"carte", "chiffres", "courbe", "comparaison"} <= {scene.kind for scene in script.scenes}


def test_a_script_is_read(tmp_path: Path) -> None:
    script = read(tmp_path, GOOD)
    text, place = script.scenes
    assert (text.kind, text.seconds) == ("texte", 30)
    assert "faux" in text.text
    assert place.view.territory == Territory("cross", "marseille")
    assert place.view.drugs == {"cocaine", "crack"}
    assert (place.zoom, place.days) == (10.5, None)
    assert place.view.to_params()["au"] == "2026-03-31"


def test_lines_are_those_of_keys_and_not_of_what_texts_hold() -> None:
    lines = lines_of_keys(GOOD)
    assert lines[0] == {"titre": 1}
    assert lines[-1] == {"": 2, "diagonale": 3, "distance": 4}
    assert lines[1] == {"": 5, "type": 6, "texte": 7}
    assert lines[2]["zoom"] == 16
    assert 3 not in lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            scene(type='"carte"', territoire='"cross:marseile"'),
            "ligne 3, scène 1 : Territoire inconnu : cross « marseile ». Le plus proche : cross:marseille.",
        ),
        (
            scene(type='"carte"', mesure='"vitesse"'),
            "ligne 3, scène 1 : « mesure=vitesse » ignoré. Valeurs admises : incidents, taux",
        ),
        (
            scene(type='"film"'),
            "ligne 2, scène 1 : type = « film » : attendu carte, comparaison, chiffres, courbe, routes, texte, script.",
        ),
        (scene(type='"carte"', durée="3"), "ce n'est pas du TOML"),
        (
            scene(type='"carte"', dure="3"),
            "ligne 3, scène 1 : « dure » n'a pas de sens ici (proche de « duree »). Attendu : type, titre, duree",
        ),
        (scene(type='"carte"', duree="1"), "ligne 3, scène 1 : duree = 1 : attendu un nombre de 5 à 3600."),
        (scene(type='"carte"', duree="10.5"), "duree = 10.5 : attendu un nombre entier."),
        (scene(type='"carte"', zoom="nan"), "zoom = nan : attendu un nombre de 3 à 16."),
        (scene(type='"carte"', produit="[1]"), "produit = [1] : attendu un texte ou une liste de textes."),
        (scene(type='"carte"', du="2026-03-01"), "« du » et « au » vont ensemble."),
        (scene(type='"carte"', du="2026-03-02", au="2026-03-01"), "la période commence le 2026-03-02, après sa fin."),
        (
            scene(type='"courbe"', du="1900-01-01", au="2199-12-31"),
            "une courbe de 109573 jours : attendu 1100 au plus.",
        ),
        (scene(type='"carte"', du='"0026-03-01"', au="2026-03-01"), "Date « du=0026-03-01 » ignorée"),
        (
            scene(type='"comparaison"', territoires='["cross:lyon"]'),
            "1 territoire(s) à comparer : attendu une liste de 2 à 6.",
        ),
        (
            scene(type='"comparaison"', territoires='["cross:lyon", "cross:lyon"]'),
            "« cross:lyon » est comparé à lui-même.",
        ),
        (scene(type='"texte"'), "scène 1 : « texte » manque."),
        (
            scene(type='"texte"', texte='"x"', titre='"' + "x" * 80 + '"'),
            "titre de 80 lettres : cet écran en tient 68, sur 2 lignes.",
        ),
        ('scene = [{type = "carte", zoom = 99}]', "scène 1 : zoom = 99 : attendu un nombre de 3 à 16."),
        ("scene = 3", "aucune scène : attendu au moins une section [[scene]]."),
        ("", "aucune scène"),
        (
            'fuseau = "Paris"\n' + scene(type='"carte"'),
            "ligne 1 : fuseau « Paris » : attendu un nom comme Europe/Paris",
        ),
        (
            'mention = "demo"\n' + scene(type='"carte"'),
            "ligne 1 : mention = « demo » : attendu public, internal, restricted.",
        ),
        (
            "[ecran]\ndiagonale = 32\ndistance = 12\n" + scene(type='"carte"'),
            "ligne 2 : un écran de 32 pouces vu à 12 m ne tient que 13 lettres par ligne : attendu 67 pouces au moins,",
        ),
        (b"\xff\xfe", "ce n'est pas de l'UTF-8"),
        ("x = " + "[" * 20_000, ""),
        ("=", "ce n'est pas du TOML"),
    ],
)
def test_a_fault_says_where_what_was_given_and_what_was_expected(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in "\n".join(faults(tmp_path, text))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, scene(type='"carte"', duree="0", zoom="99") + scene(type='"texte"', texte='""'))
    assert [fault.partition(" : ")[0] for fault in found] == [
        "ligne 3, scène 1", "ligne 4, scène 1", "ligne 7, scène 2",
    ]  # fmt: skip


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, b"# " + b"x" * 10_000_000)
    assert fault == f"fichier de 10000002 octets : attendu {MOST_BYTES} au plus."


def test_a_script_may_go_on_with_another_but_not_in_a_loop(tmp_path: Path) -> None:
    include = scene(type='"script"', nom='"{}"')
    written(tmp_path, scene(type='"texte"', texte='"fin"'), "fin")
    assert [one.text for one in read(tmp_path, include.format("fin") * 2).scenes] == ["fin", "fin"]
    assert read(tmp_path, include.format("national")).files[1] == SHIPPED / "national.toml"
    assert "les scripts s'incluent en rond : seul → seul." in faults(tmp_path, include.format("seul"), "seul")[0]
    written(tmp_path, include.format("b"), "a")
    [fault] = faults(tmp_path, include.format("a"), "b")
    assert (
        "le script inclus « a » a 1 anomalie(s), dont : ligne 3, scène 1 : les scripts s'incluent en rond : b → a → b."
        in fault
    )
    assert "Aucun script de mur « ../a ». Scripts : a, antenne" in faults(tmp_path, include.format("../a"))[0]


def test_scripts_that_multiply_each_other_are_stopped(tmp_path: Path) -> None:
    written(tmp_path, scene(type='"texte"', texte='"x"') * 3, "s0")
    for level in range(1, 12):
        written(tmp_path, scene(type='"script"', nom=f'"s{level - 1}"') * 3, f"s{level}")
    assert "plus de 200 scènes" in faults(tmp_path, scene(type='"script"', nom='"s11"'))[0]


@pytest.mark.parametrize("name", ["", "..", "../national", "National", "national.toml", "x" * 500, "a\0b"])
def test_no_name_leads_out_of_the_folders(name: str) -> None:
    with pytest.raises(UnknownWallError, match="antenne, cross, national"):
        find_script(name, wall_folders(""))


def test_an_own_script_goes_before_the_one_that_is_shipped(tmp_path: Path) -> None:
    own = written(tmp_path, scene(type='"texte"', texte='"x"'), "cross")
    assert find_script("cross", wall_folders(str(tmp_path))) == own
    assert "antenne" in script_names(wall_folders(str(tmp_path)))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(
    [
        "type",
        "titre",
        "duree",
        "territoire",
        "territoires",
        "jours",
        "du",
        "au",
        "mesure",
        "zoom",
        "produit",
        "texte",
        "nom",
    ]
)


def as_toml(value: object) -> str:
    match value:
        case None:
            return "inf"
        case bool():
            return str(value).lower()
        case str():
            return (
                '"' + "".join(f"\\U{ord(letter):08X}" for letter in value if not 0xD800 <= ord(letter) < 0xE000) + '"'
            )
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{as_toml(key)} = {as_toml(held)}" for key, held in value.items()) + "}"
        case float():
            return str(value)
        case _:
            return str(value)


@given(
    st.lists(st.dictionaries(keys, values, max_size=5), max_size=3),
    st.sampled_from(["carte", "comparaison", "texte", "courbe"]),
)
@settings(max_examples=150)
def test_whatever_a_script_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, scenes: list[dict[str, object]], kind: str
) -> None:
    text = "".join(
        scene(**({"type": f'"{kind}"'} | {key: as_toml(value) for key, value in one.items()})) for one in scenes
    )
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # TOML knows fewer years and integers
    found: list[Fault] = []
    try:
        shown = read(tmp_path_factory.getbasetemp(), text, "hasard").scenes
    except WallError as error:
        shown, found = (), list(error.faults)
    assert bool(shown) != bool(found)
    assert all(fault.what.said() for fault in found)
    assert all(5 <= one.seconds <= 3600 for one in shown)


def test_the_command_says_what_a_room_will_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, GOOD)
    answered = CliRunner().invoke(app, ["wall", "check", str(path)])
    assert answered.exit_code == 0
    assert "essai : 2 scènes, 1 min le tour." in answered.output
    assert "capitales de 47 mm (20′), jamais moins de 37 mm (16′) ; 53 lettres par ligne" in " ".join(
        answered.output.split()
    )
    path.write_text(scene(type='"film"'), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["hexacross", "wall", "check", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1


def test_letters_are_as_high_as_the_rule_says() -> None:
    """Of the rule of thumb d / 172 for 20 minutes of arc, and 37 mm for 16 of them at 8 m."""
    screen = Screen(55, 8)
    assert screen.capital_mm(EASE_ARCMIN) == pytest.approx(8000 / 172, rel=2e-3)
    assert round(screen.capital_mm(LEAST_ARCMIN)) == 37
    assert screen.width_mm == pytest.approx(1217.6, abs=0.1)
    assert screen_fault(screen) is None
    assert screen_fault(Screen(44, 8)) is not None
    assert screen_fault(Screen(45, 8)) is None


@pytest.mark.parametrize("name", ["ink", "minor", "accent", "alert", "stale"])
def test_every_letter_is_seven_times_brighter_than_the_ground(name: str) -> None:
    assert contrast(COLOURS[name], DARK.water) >= 7


def test_the_marking_too() -> None:
    assert all(contrast("#ffffff", colour) >= 7 for colour in BANDS.values())
