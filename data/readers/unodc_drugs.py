"""UNODC's 343 drug names → our closed list. What fits no group is `other_drug`; the label is kept beside it."""

from __future__ import annotations

import re
from functools import lru_cache

# First match wins, so the particular stands before the general. Words of the names in the files of 2011 to 2016.
_GROUPS: tuple[tuple[str, str], ...] = (
    ("synthetic_cannabinoid",
     r"synthetic cannabinoid|^jwh|^am-\d|akb48|apinaca|fubinaca|chminaca|chmica|chmczca|ab-pinaca|^pb-22|-pb-22|^bb-22|"
     r"^ur-144|^xlr-11|^hu-210|^rcs-4|^thj-|5f-amb|5f-adb|adbica|cumyl|^sdb-|^nm-2201|^fub-|fubimina|mmb\(n\)|"
     r"^cp[- ]\d|indazole|indole-3-carboxamide|indole-3-carboxyl|-indole|pentil-1n|quinolin(e-8| 8)|"
     r"naphthoylindole|methylindole"),
    ("precursor",
     r"ephedr(?!one)|pseudoephedrine|precursor|anhydride|permanganate|sul[fp]huric|hydrochloric acid|hypophosphorous|"
     r"phosphorous acid|acetone|toluene|ethyl ketone|mdp2p|phenylacetone|pmk|apaa|^iodine|sodium|ammoni|methylamine$|"
     r"^dimethylamine|piperidine$|cyclohexanone|pyrrolidine|nitropropene|methyl ?ether|methylester"),
    ("crack", r"^crack"),
    ("coca", r"coca (paste|leaf|seeds|plant)|^cocaine base"),
    ("cocaine", r"cocaine"),
    ("heroin", r"heroin|6-mono"),
    ("opium", r"opium|poppy|morphine|pavots|opiates"),
    ("opioid",
     r"methadone|fentan|phentanyl|codeine|codidol|codone|morphone|desomorphine|desoxycodeine|buprenorphine|tramadol|"
     r"opioid|propoxyphene|substitol|promedol|tapentadol|pentazocine|butorphanol|tilid|diphenoxylate|kratom|mitragynine|"
     r"mppp|levomethorphan|proxyvon|phensydyl|spasmo"),
    ("methamphetamine", r"methamphetamine(?<!fluoromethamphetamine)|^yava"),
    ("mdma", r"ecstasy|^mdma|^mda$|^mdea|^mdpa|^mbdb|mmda"),
    ("amphetamine", r"amphetamine|captagon|^ats$"),
    ("ketamine", r"ketamine|methoxetamine|phencyclidine|eticyclidine"),
    ("cathinone",
     r"cath|mephedrone|methylone|mdpv|pvp|pentedrone|buphedrone|butylone|ethylone|ephylone|butilona|dimetilona|4-mec|"
     r"4-cmc|mmc$|4-meppp|pyrovalerone|ephedrone|bk_mdea|keto-methyl"),
    ("khat", r"khat"),
    ("hallucinogen",
     r"^lsd|hallucinogen|psilocybin|dmt|dimethyltryptamine|mescaline|ayahuasca|2c-|nbome|^do[bcm]$|stp|salvinorin|"
     r"tryptamine|5-meo|4-ho-|mipt"),
    ("cannabis", r"^thc$|edible cannabis"),
    ("medicine",
     r"azepam|zolam|benzodiazepine|barbi|sedative|tranquil|pharmaceutical|methylphenidate|retalin|zolpidem|zopicl|zopal|"
     r"methaqualone|phentermine|modafinil|pregabalin|cough|dextromethorphan|steroid|clobazam|clorazep|loflazepate|"
     r"pipradrol|amfepramone|metrazine|phenobarb|amobarb|lysanxia|tranxenek|seresta|praxiten|parkedil|parkenal|kitil|"
     r"nozepane|lozenal|orzepam|somnubene|taren|roche|clomipramin|imipramine|doxepine|amitripty|maprotiline|meprobamate|"
     r"largactile|chlorpromazine|carbamazepine|valproic|tianeptine|psychotropic|amantadine|lioresal|liorezal|trankxenek|buspar|tofisopam|"
     r"nimetazepam|methandrostenolone"),
)  # fmt: skip
_COMPILED = tuple((code, re.compile(pattern)) for code, pattern in _GROUPS)


@lru_cache(maxsize=1024)
def drug_code(name: str) -> str | None:
    """Code of `data.vocabulary.DRUGS`; None when the name says that it is not known.

    >>> drug_code("Cocaine HCL"), drug_code("Coca paste"), drug_code("Ephedrone")
    ('cocaine', 'coca', 'cathinone')
    """
    plain = " ".join(name.split()).casefold()
    if plain in ("", "unknown"):
        return None
    return next((code for code, pattern in _COMPILED if pattern.search(plain)), "other_drug")
