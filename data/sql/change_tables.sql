-- What each version changed, for a while (see data/changes.py).
CREATE TABLE IF NOT EXISTS changes (version BIGINT NOT NULL, everything BOOLEAN NOT NULL, figures BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS changed_places (
    version BIGINT NOT NULL, place INTEGER NOT NULL, cell BIGINT,  -- an ancestor; NULL: no hexagon is known
    first_day DATE NOT NULL, last_day DATE NOT NULL
);
