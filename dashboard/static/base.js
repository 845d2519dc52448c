// Where Streamlit answers, whatever the page: without it, it would first look below the page's own path (404).
window.__streamlit = { BACKEND_BASE_URL: `${location.origin}/` };
