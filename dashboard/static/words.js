// Streamlit's own words have no translation: we put ours in their place, on a French page only.
(() => {
  if (document.documentElement.lang !== "fr") return;
  const WORDS = new Map([
    ["Drag and drop file here", "Déposez un fichier ici"],
    ["Drag and drop files here", "Déposez des fichiers ici"],
    ["Upload", "Choisir"],
    ["Browse files", "Choisir…"],
    ["Add files", "Ajouter"],
    ["Choose options", "Choisir…"],
    ["Choose an option", "Choisir…"],
    ["No results", "Aucun résultat"],
    ["No options to select", "Rien à choisir"],
    ["No options to select.", "Rien à choisir"],
    ["Select all", "Tout choisir"],
    ["Running...", "Calcul…"],
    ["Stop", "Arrêter"],
    ["Rerun", "Recalculer"],
    ["Settings", "Réglages"],
    ["Print", "Imprimer"],
    ["Record a screencast", "Filmer l'écran"],
    ["Record screen", "Filmer l'écran"],
    ["About", "À propos"],
    ["Appearance", "Apparence"],
    ["Wide mode", "Pleine largeur"],
    ["Choose app theme, colors and fonts", "Thème, couleurs et polices"],
    ["Use system setting", "Comme le système"],
    ["System", "Système"],
    ["Light", "Clair"],
    ["Dark", "Sombre"],
    ["Custom Theme", "Hexacross"],
    ["Download as CSV", "Télécharger en CSV"],
    ["Search", "Chercher"],
    ["Fullscreen", "Plein écran"],
    ["Close fullscreen", "Quitter le plein écran"],
    ["Press Enter to apply", "Entrée pour valider"],
    ["Press Ctrl+Enter to apply", "Ctrl+Entrée pour valider"],
    ["empty", "vide"],
    ["Connecting", "Connexion…"],
    ["Page not found", "Page introuvable"],
  ]);
  const LIMIT = /^(\d+(?:\.\d+)?)\s?([KMG])B per file(?: • (.*))?$/;
  const SIZE = /^(\d+(?:\.\d+)?)([KMG])B$/; // of a file chosen: "1.0GB"
  const SIZES = { K: "ko", M: "Mo", G: "Go" };

  const translated = (text) => {
    const trimmed = text.trim();
    if (WORDS.has(trimmed)) return text.replace(trimmed, WORDS.get(trimmed));
    const size = SIZE.exec(trimmed);
    if (size) return `${size[1].replace(".", ",")} ${SIZES[size[2]]}`;
    const limit = LIMIT.exec(trimmed.replace(/^Limit /, ""));
    return limit ? `${limit[1]} ${SIZES[limit[2]]} au plus par fichier${limit[3] ? ` • ${limit[3]}` : ""}` : null;
  };
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement?.closest(".hx-title, .hx-figures, textarea, input, [data-testid='stDataFrame']")) return;
      const text = translated(node.data);
      if (text !== null) node.data = text;
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const name of ["aria-label", "placeholder", "title"]) {
      const text = node.hasAttribute(name) ? translated(node.getAttribute(name)) : null;
      if (text !== null) node.setAttribute(name, text);
    }
    node.childNodes.forEach(visit);
  };
  new MutationObserver((changes) => {
    for (const change of changes) change.type === "characterData" ? visit(change.target) : change.addedNodes.forEach(visit);
  }).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
})();
