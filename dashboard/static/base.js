// Where Streamlit answers, whatever the page: without it, it would first look below the page's own path (404).
window.__streamlit = { BACKEND_BASE_URL: `${location.origin}/` };

// It writes numbers and dates in the language of the browser: they are to be in that of the page.
const spoken = { fr: ["fr-FR", "fr"], en: ["en-GB", "en"] }[document.documentElement.lang];
Object.defineProperties(navigator, { language: { value: spoken[0] }, languages: { value: Object.freeze(spoken) } });
