"""The closed lists of the events' fields: code in the store → label in French (the catalogues' key)."""

from __future__ import annotations

from geo.errors import N_

FAMILIES: dict[str, str] = {
    "incident": N_("Incident"),
    "control": N_("Contrôle"),
    "assets": N_("Avoirs criminels"),
    "prevention": N_("Prévention"),
}

KINDS_OF_FAMILY: dict[str, dict[str, str]] = {
    "incident": {
        "trafficking": N_("Trafic"),
        "seizure": N_("Saisie"),
        "arrest": N_("Interpellation"),
        "deal_point": N_("Point de deal"),
        "violence": N_("Violence"),
        "laundering": N_("Blanchiment"),
    },
    "control": {
        "road_check": N_("Contrôle routier"),
        "rail_check": N_("Contrôle ferroviaire"),
        "air_check": N_("Contrôle aérien"),
        "sea_check": N_("Contrôle maritime"),
        "post_check": N_("Contrôle postal"),
        "shop_check": N_("Contrôle de commerce (CODAF)"),
        "street_check": N_("Contrôle de voie publique"),
    },
    "assets": {"asset_seizure": N_("Saisie d'avoirs")},
    "prevention": {"prevention_action": N_("Action de prévention")},
}
KINDS: dict[str, str] = {code: label for kinds in KINDS_OF_FAMILY.values() for code, label in kinds.items()}

DRUGS: dict[str, str] = {
    "cannabis_herb": N_("Herbe de cannabis"),
    "cannabis_resin": N_("Résine de cannabis"),
    "cannabis_plant": N_("Plant de cannabis"),
    "cannabis": N_("Cannabis (forme non précisée)"),
    "synthetic_cannabinoid": N_("Cannabinoïde de synthèse"),
    "cocaine": N_("Cocaïne"),
    "crack": N_("Crack"),
    "coca": N_("Feuille et pâte de coca"),
    "heroin": N_("Héroïne"),
    "opium": N_("Opium et morphine"),
    "opioid": N_("Autre opioïde"),
    "amphetamine": N_("Amphétamine"),
    "methamphetamine": N_("Méthamphétamine"),
    "mdma": N_("MDMA (ecstasy)"),
    "ketamine": N_("Kétamine"),
    "cathinone": N_("Cathinone"),
    "hallucinogen": N_("Hallucinogène"),
    "khat": N_("Khat"),
    "precursor": N_("Précurseur"),
    "medicine": N_("Médicament détourné"),
    "other_drug": N_("Autre produit"),
}

MODES: dict[str, str] = {
    "road": N_("Route"),
    "rail": N_("Rail"),
    "air": N_("Air"),
    "sea": N_("Mer"),
    "post": N_("Poste et fret express"),
    "shop": N_("Commerce"),
    "street": N_("Voie publique"),
}

# What the nature of a control says: every control has one, and its mode may be left out.
MODE_OF_CONTROL: dict[str, str] = {
    "road_check": "road",
    "rail_check": "rail",
    "air_check": "air",
    "sea_check": "sea",
    "post_check": "post",
    "shop_check": "shop",
    "street_check": "street",
}

SERVICES: dict[str, str] = {
    "police": N_("Police nationale"),
    "gendarmerie": N_("Gendarmerie nationale"),
    "customs": N_("Douane"),
    "municipal_police": N_("Police municipale"),
    "navy": N_("Marine nationale"),
    "justice": N_("Justice"),
    "joint": N_("Opération conjointe"),
    "foreign": N_("Service étranger"),
    "other_service": N_("Autre service"),
}

TIME_PRECISIONS: dict[str, str] = {
    "minute": N_("À la minute"),
    "day": N_("Au jour"),
    "month": N_("Au mois"),
    "year": N_("À l'année"),
    "unknown": N_("Inconnue"),
}

PLACE_PRECISIONS: dict[str, str] = {
    "point": N_("Point"),
    "street": N_("Rue"),
    "commune": N_("Commune"),
    "departement": N_("Département"),
    "country": N_("Pays"),
    "unknown": N_("Sans lieu"),
}
HEXAGON_PRECISIONS = ("point", "street")  # only these may stand in a fine hexagon

QUANTITY_UNITS: dict[str, str] = {
    "tablet": N_("comprimé"),
    "capsule": N_("gélule"),
    "piece": N_("pièce"),
    "plant": N_("plant"),
    "litre": N_("litre"),
    "dose": N_("dose"),
    "ampoule": N_("ampoule"),
    "square_metre": N_("mètre carré"),
    "other_unit": N_("autre unité"),
}

RELIABILITIES: dict[str, str] = {
    "A": N_("Totalement fiable"), "B": N_("Habituellement fiable"), "C": N_("Assez fiable"),
    "D": N_("Pas toujours fiable"), "E": N_("Peu sûre"), "F": N_("Non appréciée"),
}  # fmt: skip
CREDIBILITIES: dict[str, str] = {
    "1": N_("Confirmée"), "2": N_("Probablement vraie"), "3": N_("Possiblement vraie"),
    "4": N_("Douteuse"), "5": N_("Improbable"), "6": N_("Non appréciée"),
}  # fmt: skip

# From the least to the most protected: the highest one present marks the screen and every export.
MARKINGS: dict[str, str] = {
    "public": N_("Public"),
    "demo": N_("Données de démonstration"),
    "internal": N_("Usage interne"),
    "restricted": N_("Diffusion Restreinte"),
}
