"""What the map's scripts say by themselves, as keys of the catalogues. The page translates them and hands them over."""

from __future__ import annotations

from geo.errors import N_

STRINGS: dict[str, str] = {
    "loading": N_("Chargement…"),
    "failed": N_("Carte non mise à jour : {reason}. Nouvel essai dans {seconds} s."),
    "unreachable": N_("le serveur ne répond pas"),
    "refused": N_("le serveur a répondu {status}"),
    "unreadable": N_("la réponse est illisible"),
    "old_picture": N_("L'image affichée est la précédente."),
    "retry": N_("Réessayer"),
    "away": N_("Données du {fresh} ; base injoignable depuis {since}."),
    "away_empty": N_("Base injoignable depuis {since}."),
    "lost_empty": N_("Serveur injoignable depuis {since}."),
    "lost": N_("Données du {fresh} ; serveur injoignable depuis {since}."),
    "hexagons": N_("Hexagones"),
    "one_hexagon": N_("hexagone"),
    "keyboard": N_(
        "Hexagones de la carte : flèches pour passer de l'un à l'autre, Entrée pour épingler, Échap pour libérer"
    ),
    "pinned": N_("Épinglé"),
    "unknown_figure": N_("inconnu"),
    "interval": N_("de {low} à {high}"),
    "legend": N_("Légende"),
    "hide": N_("Réduire la légende"),
    "show": N_("Afficher la légende"),
    "layers": N_("Couches"),
    "ground": N_("Fond de carte"),
    "opacity": N_("Opacité : {layer}"),
    "borders": N_("Limites administratives"),
    "names": N_("Noms de lieux"),
    "zoom_in": N_("Zoom avant"),
    "zoom_out": N_("Zoom arrière"),
    "whole_view": N_("Revoir tout le territoire"),
    "insets": N_("Outre-mer et Île-de-France"),
    "go_to": N_("Aller à {name}"),
    "outline_cross_operating": N_("CROSS en service"),
    "outline_cross_installing": N_("CROSS en cours d'installation"),
    "outline_assumed": N_("Périmètre supposé"),
    "outline_cross": N_("Périmètres des CROSS"),
    "outline_antenna": N_("Ressorts des antennes de l'OFAST"),
    "seat": N_("Siège"),
    "locale": N_("fr-FR"),  # how numbers are written; in English: en-GB
    "north": N_("N"),
    "south": N_("S"),
    "east": N_("E"),
    "west": N_("O"),
    "copy_position": N_("Copier la position (touche C)"),
    "position_unit": N_("Degrés, minutes, secondes"),
    "copied": N_("Copié :"),
    "not_copied": N_("Le navigateur refuse de copier"),
    "sketch_keys": N_(
        "Flèches pour viser (Maj : pas à pas), Entrée pour poser un point, Retour arrière pour l'ôter, Échap pour finir"
    ),
    "measure": N_("Mesurer"),
    "measure_hint": N_("Un clic par point ; un double clic pour finir, un clic sur le premier point pour une surface."),
    "segment": N_("Segment {n} : {length}"),
    "total": N_("Total"),
    "perimeter": N_("Périmètre"),
    "area": N_("Surface"),
    "close_line": N_("Fermer"),
    "end_line": N_("Terminer"),
    "erase": N_("Effacer"),
    "measure_again": N_("Nouvelle mesure"),
    "no_basemap": N_("Fond de carte absent : lancez « make install »."),
}
