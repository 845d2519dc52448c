"""Names and numbers of countries → ISO 3166-1 alpha-2, with the table of names that country-converter carries."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

import pandas as pd

# What UN files write and no table of names has, or has otherwise. Compared without case.
OTHER_NAMES = {
    "burma": "MM",
    "iraq (kurdistan region)": "IQ",
    "kosovo under unscr 1244": "XK",
    "macau, sar of china": "MO",
    "svalbard": "SJ",
    "united kingdom (england and wales)": "GB",
    "united kingdom (northern ireland)": "GB",
    "united kingdom (scotland)": "GB",
}
# States that are no more, and what is written for "not known": no code, whatever a table of names says.
NO_COUNTRY = frozenset({"", "unknown", "other", "multiple countries", "netherlands antilles", "serbia and montenegro"})


class CountryNames:
    """The package's table, read directly.

    Its own class cannot be built with pandas 3 (it compiles a missing code as a regular expression), and all we
    need of it is one regular expression a country.
    """

    def __init__(self) -> None:
        with files("country_converter").joinpath("country_data.tsv").open(encoding="utf-8") as file:
            rows = pd.read_csv(file, sep="\t", dtype="str", keep_default_na=False)
        rows = rows[(rows["obsolete"] == "") & (rows["ISO2"] != "")]
        codes = rows["ISO2"].str.strip("^").str[:2]  # `^GB$|^UK$`: the first is ISO's
        self._patterns = [(re.compile(p, re.IGNORECASE), c) for p, c in zip(rows["regex"], codes, strict=True)]
        self._numbers = {int(n): c for n, c in zip(rows["ISOnumeric"], codes, strict=True) if n}
        self.codes = frozenset(codes)

    def iso2_of_number(self, number: int) -> str | None:
        """ISO 3166-1 numeric → alpha-2.

        >>> CountryNames().iso2_of_number(250)
        'FR'
        """
        return self._numbers.get(number)

    def iso2(self, name: str) -> str | None:
        """The country that the name fits, None when it fits none or several.

        >>> CountryNames().iso2("Libyan Arab Jamahiriya")
        'LY'
        """
        key = " ".join(name.split()).casefold()
        if key in NO_COUNTRY:
            return None
        if key in OTHER_NAMES:
            return OTHER_NAMES[key]
        found = {code for pattern, code in self._patterns if pattern.search(name.strip())}
        return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=1)
def country_names() -> CountryNames:
    return CountryNames()


@lru_cache(maxsize=4096)
def country_code(name: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country's name, in English or French as UN files and officers write it; None: no such."""
    return country_names().iso2(name)
