"""Routes: hexagons of a view, errors as sentences with their status, caching of files; on a real, small store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.cache import ByteCache
from dashboard.context import Context
from dashboard.error_answers import status_of
from dashboard.index_page import index_html
from dashboard.routes import DIGEST_NAMED, routes
from dashboard.settings import Settings
from data.errors import ForbiddenError, MappingError, QueryError, StoreError, StoreVersionError, UnreachableError
from data.geography import geography
from data.ingest import load_file
from data.opening import open_store
from geo.cells import cells_at
from layers.hexagons import STATE_CODES
from tests.hexagons import Read, shown

HEADER = "source;source_event_id;family;kind;occurred_at;longitude;latitude;place_precision;checked;positive"
INCIDENT = "essai;i{id};incident;seizure;2026-03-0{day}T10:00;5.3700;43.3000;point;;"
CONTROL = "essai;c{id};control;road_check;2026-03-02T10:00;5.4500;43.5300;point;40;3"
MARCH = "du=2026-03-01&au=2026-03-31"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six incidents in one hexagon of Marseille, one control in Aix-en-Provence, in March 2026."""
    folder = tmp_path_factory.mktemp("routes")
    file = folder / "a.csv"
    lines = [HEADER, *(INCIDENT.format(id=number, day=number + 1) for number in range(6)), CONTROL.format(id=0)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = open_store(str(folder / "routes.duckdb"))
    store.set_memberships(geography().memberships())
    load_file(store, file)
    opened = Context(Settings(threshold=5), store, geography(), ByteCache(2**20))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(context: Context) -> TestClient:
    return TestClient(Starlette(routes=routes(context)))


@pytest.fixture
def read(client: TestClient) -> Read:
    def answer(path: str) -> bytes:
        answered = client.get(path)
        assert answered.status_code == 200, answered.text
        return bytes(answered.content)

    return answer


def test_hexagons_of_a_view(read: Read) -> None:
    described, level, columns = shown(read, f"{MARCH}&resolution=8&mesure=incidents", resolution=8)
    assert (described["title"], level["resolution"], described["locale"]) == ("Incidents", 8, "fr")
    assert described["period"] == "1–31 mars 2026"
    values = columns["values"][columns["state"] == STATE_CODES["value"]]
    assert values.tolist() == [5.0]  # six, rounded to a multiple of the threshold
    assert sum(spec["count"] for spec in level["classes"]) == 1


def test_never_checked_is_unknown_and_small_counts_are_protected(read: Read) -> None:
    _described, _level, columns = shown(read, f"{MARCH}&resolution=8&mesure=rendement", resolution=8)
    states = columns["state"].tolist()
    # The hexagon of Marseille: incidents, no control; the one control of Aix.
    assert sorted(states) == [STATE_CODES["unknown"], STATE_CODES["protected"]]
    assert np.isnan(columns["values"]).all()
    assert np.isnan(columns["checked"]).all()


def test_the_language_is_the_viewer_s(read: Read) -> None:
    described, level, _columns = shown(read, f"{MARCH}&langue=en&mesure=taux")
    assert (described["title"], described["unit"]) == ("Incident rate", "per 100,000 inhabitants")
    assert described["locale"] == "en"
    assert "hexagons" in level["resolution_label"]


def test_an_answer_already_known_is_not_sent_again(client: TestClient) -> None:
    first = client.get(f"/hex?{MARCH}")
    again = client.get(f"/hex?{MARCH}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/hex?du=2026-03-02", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_an_unknown_territory_is_a_sentence(client: TestClient) -> None:
    answer = client.get("/hex?territoire=commune:99999")
    assert answer.status_code == 422
    assert "99999" in answer.json()["error"]


def test_perimeters_hold_the_territory_looked_at(client: TestClient) -> None:
    features = client.get("/perimetres?territoire=commune:13055").json()["features"]
    selected = [feature["properties"] for feature in features if feature["properties"]["kind"] == "selected"]
    assert [(properties["code"], properties["name"]) for properties in selected] == [("13055", "Marseille")]
    assert sum(feature["properties"]["kind"] == "cross" for feature in features) == 31
    assert sum(feature["properties"]["kind"] == "antenna" for feature in features) == 16


def test_perimeters_depend_on_the_territory_alone(client: TestClient) -> None:
    """Their address is what the map fetches them by: a filter must not fetch them again."""
    addresses = {
        client.get(f"/hex?territoire=commune:13055&{filters}").json()["outlines"]
        for filters in (MARCH, f"{MARCH}&produit=cocaine&mesure=taux", "resolution=9")
    }
    assert addresses == {"/perimetres?territoire=commune:13055"}


def test_answers_say_their_version(client: TestClient, context: Context) -> None:
    version = str(context.store.version())
    answer = client.get(f"/hex?{MARCH}")
    assert answer.headers["hexacross-version"] == version
    again = client.get(f"/hex?{MARCH}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["hexacross-version"]) == (304, version)


def test_figures_beside_the_map_are_those_of_the_view(client: TestClient) -> None:
    answer = client.get(f"/chiffres?{MARCH}&territoire=commune:13055&mesure=taux&zone=cercle:43.30,5.37,2000")
    assert answer.headers["hexacross-view"] == f"?territoire=commune:13055&{MARCH}"
    parts = answer.json()["parts"]
    assert set(parts) == {"title", "figures", "alerts", "missing", "sources"}
    assert "<h1>Marseille</h1>" in parts["title"]
    assert '<span class="hx-trail">Commune · 1–31 mars 2026</span>' in parts["title"]
    assert '<div class="hx-value">5</div>' in parts["figures"]  # six, rounded to a multiple of the threshold
    assert "essai" in parts["sources"]


@pytest.mark.parametrize(
    ("address", "title", "said"),
    [
        (f"/controles/chiffres?{MARCH}&territoire=commune:13055", "Contrôles · Marseille", "Opérations de contrôle"),
        (f"/couverture/chiffres?{MARCH}", "Couverture", "hx-ledger"),
        (f"/comparaison/chiffres?{MARCH}&territoires=departement:13,departement:83", "Comparaison", "hx-compared"),
    ],
)
def test_figures_of_each_page_follow_its_address(client: TestClient, address: str, title: str, said: str) -> None:
    answer = client.get(address)
    parts = answer.json()["parts"]
    assert f"<h1>{title}</h1>" in parts["title"]
    assert said in parts["figures"]
    assert answer.headers["hexacross-view"] == address[address.index("?") :].replace(
        f"{MARCH}&territoire=commune:13055", f"territoire=commune:13055&{MARCH}"
    )


def test_a_hexagon_that_is_pinned_makes_no_other_answer_anew(context: Context, client: TestClient) -> None:
    (cell,) = cells_at([5.37], [43.3], 8)
    pinned = f"{MARCH}&hexagone={cell:x}"
    for path in ("/parties/latest", "/parties/where", "/parties/rhythm", "/parties/silences", "/perimetres"):
        known = client.get(f"{path}?{MARCH}").headers["etag"]
        assert client.get(f"{path}?{pinned}", headers={"If-None-Match": known}).status_code == 304, path
    free, held = (client.get(f"/chiffres?{address}").json()["parts"] for address in (MARCH, pinned))
    assert "Marseille" in held["title"]
    assert "Marseille" not in free["title"]
    del free["title"], held["title"]
    assert free.keys() == held.keys()
    assert free["figures"] == held["figures"]


def test_a_territory_that_is_none_is_left_out_of_the_figures(client: TestClient) -> None:
    answer = client.get(f"/chiffres?{MARCH}&territoire=cross:atlantide")
    assert answer.json() == client.get(f"/chiffres?{MARCH}").json()
    assert answer.headers["hexacross-view"] == f"?{MARCH}"


def test_a_database_that_is_away_is_one_sentence_without_its_address(
    client: TestClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> int:
        raise UnreachableError("La base {server} est injoignable", server="hexacross@base.intra:5432")

    key = client.get("/hex").json()["key"]
    monkeypatch.setattr(type(context.store), "version", away)
    keyed = (f"/hex/hexagones/9/263/187?vue={key}", f"/hex/classes?resolution=8&vue={key}", f"/hex/jours?vue={key}")
    figures = ("/chiffres", "/controles/chiffres", "/couverture/chiffres", "/comparaison/chiffres")
    for path in ("/hex", *figures, "/perimetres", "/healthz", *keyed):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "injoignable" in answer.json()["error"]
        assert "base.intra" not in answer.text


def test_health_says_how_fresh_the_store_is(client: TestClient) -> None:
    assert client.get("/healthz").json()["last_day"] == "2026-03-06"


@pytest.mark.parametrize(
    ("error", "status"),
    [(ForbiddenError, 403), (QueryError, 422), (StoreError, 503), (StoreVersionError, 503), (MappingError, 500)],
)
def test_each_error_has_its_status(error: type, status: int) -> None:
    assert status_of(error("x")) == status


def test_the_page_is_ours_and_in_the_language_asked_for(client: TestClient) -> None:
    assert '<html lang="fr">' in client.get("/").text
    html = client.get("/donnees?langue=en").text
    assert '<html lang="en">' in html
    assert "<title>Hexacross</title>" in html
    assert "<script>" not in html  # no inline script: the policy blocks them


def test_an_address_that_is_no_page_is_said_with_the_way_back(client: TestClient) -> None:
    answer = client.get("/carte%3Cb%3E")
    assert answer.status_code == 404
    assert "« /carte&lt;b&gt; » n&#x27;est pas une page de Hexacross." in answer.text
    assert '<a href="/?langue=fr">' in answer.text
    assert "is not a page of Hexacross" in client.get("/nothing?langue=en").text
    home = client.get("/situation?du=2026-03-01", follow_redirects=False)
    assert (home.status_code, home.headers["location"]) == (307, "/?du=2026-03-01")
    # Streamlit's own, which this application has not: nothing of ours answers for them.
    assert [client.get(path).text for path in ("/favicon.png", "/_stcore/health")] == ["Not Found"] * 2


def test_our_styles_come_after_those_of_streamlit() -> None:
    html = index_html("fr")
    assert html.count('<link rel="stylesheet" href="/ui/page.css">') == 1
    assert html.index("page.css") > html.index("</head>")  # Streamlit adds its own to the head


def test_files_are_asked_for_again_unless_named_by_digest(client: TestClient) -> None:
    assert client.get("/ui/page.css").headers["cache-control"] == "no-cache"
    assert client.get("/ui/nothing.css").status_code == 404
    assert DIGEST_NAMED.search("app-0123abcd.js")
    assert not DIGEST_NAMED.search("leaflet.js")


def test_files_outside_the_folder_are_not_served(client: TestClient) -> None:
    assert client.get("/ui/..%2fsettings.py").status_code == 404


def test_the_store_s_file_is_not_served(client: TestClient, context: Context) -> None:
    assert client.get(f"/ui/{Path(context.settings.store).name}").status_code == 404
