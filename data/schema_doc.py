"""`docs/format.md`, written from `data.schema` so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterable

from data.schema import EVENT, INDICATOR, Field

INTRODUCTION = """\
# La disposition de Hexacross

<!-- Écrit par `python -m data.schema_doc` à partir de data/schema.py : ne pas modifier à la main. -->

Un fichier d'événements a une ligne par fait ou par contrôle et des colonnes nommées comme ci-dessous, dans
n'importe quel
ordre : CSV (UTF-8 de préférence, séparateur « ; », « , », tabulation ou « | », point décimal, `.gz` accepté),
Parquet,
GeoJSON, GeoPackage ou GeoParquet (des points ; la géométrie remplace longitude et latitude). Seules les colonnes
obligatoires doivent être là ; une case vide veut dire « inconnu », jamais zéro. Une colonne inconnue et non vide fait
refuser le fichier, et son nom est dit. Les fichiers d'une autre forme se lisent avec un mapping : `docs/mapping.md`.
"""

RULES = """\
## Règles

- Chaque ligne finit acceptée, répétée ou refusée ; les trois sommes font toujours le nombre de lignes du fichier. Une
  ligne refusée va en quarantaine avec son numéro (l'en-tête d'un CSV est la ligne 1 ; dans les autres formats, le
  premier
  enregistrement), le champ, ce qui était donné et ce qui était attendu, toutes ses fautes à la fois.
- `occurred_at` : `2024-11-03T22:15`, `2024-11-03T21:15Z`, `2024-11-03`, `2024-11` ou `2024` ; la précision s'en
  déduit. Sans
  fuseau, c'est l'heure légale du lieu (celle de Paris hors de France). Ni avant 1950, ni après demain.
- Sans `source_event_id`, l'événement est nommé par une empreinte de sa ligne (BLAKE2b, 96 bits). Des lignes
  identiques
  restent des faits distincts (`-2`, `-3`…), sauf à demander qu'elles n'en fassent qu'un ; leur nombre est toujours
  dit.
- Le lieu : un point (`point`, `street`), ou un code (`commune`, `departement`, `country`), ou rien. La commune
  d'un point est
  calculée. Les codes de communes anciennes et d'arrondissements municipaux sont compris. 0 ; 0 est refusé ; des
  coordonnées inversées ou projetées sont reconnues et refusées avec un conseil ; un point hors de France est gardé
  avec son pays.
- `kind` appartient à `family` ; `positive` ne dépasse pas `checked` ; `quantity_units` demande `quantity_unit`.
- Un zéro écrit par le producteur reste un zéro. Une quantité hors bornes est refusée, jamais corrigée.
- Les colonnes qui ressemblent à des données personnelles font refuser le fichier entier.

## Fichiers publics lus tels quels

- Saisies individuelles de l'ONUDC (2011 à 2016) : lieux trouvés par pays et nom, à la commune au mieux ; le texte
  du lieu n'est
  pas gardé. Masses et volumes convertis, le reste compté dans son unité.
- Bases du SSMSI par département et par commune, de chaque disposition publiée depuis 2023, en indicateurs. Un chiffre
  non diffusé (`ndiff`) est vide, jamais zéro ; une ligne absente n'est pas un zéro. La date de publication vient du
  nom du fichier (`produit-leAAAA-MM-JJ`), sinon de la dernière année du fichier si elle désigne une publication
  connue.
"""


def format_page() -> str:
    """The whole page, Markdown."""
    given = [field for field in EVENT if not field.derived]
    derived = [field for field in EVENT if field.derived]
    parts = [
        INTRODUCTION,
        "## Colonnes d'un événement\n",
        *_table(given),
        "\n## Calculées au chargement, refusées dans un fichier\n",
        *_table(derived),
        "\n## Listes fermées\n",
        *_lists(given),
        "\n## Colonnes d'un indicateur (chiffres publiés par territoire)\n",
        *_table(INDICATOR),
        "\n" + RULES,
    ]
    return "\n".join(parts)


def _table(fields: Iterable[Field]) -> list[str]:
    rows = ["| colonne | type | sens | bornes |", "| --- | --- | --- | --- |"]
    for field in fields:
        mark = " **(obligatoire)**" if field.required and not field.derived else ""
        rows.append(f"| `{field.name}` | {TYPES[field.type]} | {field.doc}{mark} | {_bounds(field)} |")
    return rows


TYPES = {
    "text": "texte",
    "code": "liste fermée",
    "integer": "entier",
    "number": "nombre",
    "instant": "date et heure",
    "day": "jour",
    "cell": "cellule H3",
}


def _bounds(field: Field) -> str:
    unit = f" {field.unit}" if field.unit else ""
    if field.minimum is None:
        return unit.strip()
    if field.maximum is None:
        return f"au moins {field.minimum:.0f}{unit}"
    return f"{field.minimum:.0f} à {field.maximum:.0f}{unit}"


def _lists(fields: Iterable[Field]) -> list[str]:
    rows = []
    for field in fields:
        if field.values is not None:
            values = ", ".join(f"`{code}` ({label})" for code, label in field.values.items())
            rows.append(f"- `{field.name}` : {values}.")
    return rows


if __name__ == "__main__":
    from pathlib import Path

    (Path(__file__).parent.parent / "docs" / "format.md").write_text(format_page(), encoding="utf-8")
