"""Where facts come from and live: schema, readers, quarantine, stores, reference geography."""
