"""What Streamlit runs, apart from `pages/`: beside its script it would take that folder for scripts of its own."""
