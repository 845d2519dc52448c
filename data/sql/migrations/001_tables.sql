-- The server store's tables. Facts carry small integers (`class`, `place`, `origin`), as in the embedded store.
-- Texts compare byte by byte (COLLATE "C"): the same order as in Python and in DuckDB, whatever the server's language.

CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public;

CREATE TABLE meta (
    version BIGINT NOT NULL,  -- grows with every committed change
    memberships_digest TEXT NOT NULL
);
INSERT INTO meta VALUES (0, '');

CREATE TABLE batches (
    batch INTEGER PRIMARY KEY,
    batch_id TEXT COLLATE "C" NOT NULL UNIQUE, name TEXT COLLATE "C" NOT NULL, digest TEXT COLLATE "C" NOT NULL,
    reader TEXT COLLATE "C" NOT NULL, source TEXT COLLATE "C" NOT NULL, marking TEXT COLLATE "C" NOT NULL,
    loaded_at TIMESTAMP NOT NULL,  -- UTC
    lines BIGINT NOT NULL, accepted BIGINT NOT NULL, repeated BIGINT NOT NULL, refused BIGINT NOT NULL,
    identical BIGINT NOT NULL, first_day DATE, last_day DATE,
    has_indicators BOOLEAN NOT NULL,
    UNIQUE (digest, reader)
);

CREATE TABLE quarantine (
    batch INTEGER NOT NULL, line BIGINT NOT NULL, field TEXT COLLATE "C" NOT NULL,
    given TEXT COLLATE "C" NOT NULL, reason TEXT COLLATE "C" NOT NULL, expected TEXT COLLATE "C" NOT NULL
);
CREATE INDEX ON quarantine (batch, line);

-- The distinct combinations that occur, numbered from 1.
CREATE TABLE classes (
    class INTEGER PRIMARY KEY, family TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL,
    drug TEXT COLLATE "C", mode TEXT COLLATE "C", service TEXT COLLATE "C",
    UNIQUE NULLS NOT DISTINCT (family, kind, drug, mode, service)
);
CREATE TABLE places (
    place INTEGER PRIMARY KEY, place_precision TEXT COLLATE "C", commune TEXT COLLATE "C",
    arrondissement TEXT COLLATE "C", departement TEXT COLLATE "C", country TEXT COLLATE "C",
    zone INTEGER NOT NULL DEFAULT 0,
    UNIQUE NULLS NOT DISTINCT (place_precision, commune, arrondissement, departement, country)
);
CREATE INDEX ON places (zone);
CREATE TABLE origins (
    origin INTEGER PRIMARY KEY, source TEXT COLLATE "C" NOT NULL, marking TEXT COLLATE "C",
    occurred_precision TEXT COLLATE "C", quantity_unit TEXT COLLATE "C",
    reliability TEXT COLLATE "C", credibility TEXT COLLATE "C",
    UNIQUE NULLS NOT DISTINCT (source, marking, occurred_precision, quantity_unit, reliability, credibility)
);

-- The territories' composition as given, and what follows from it.
CREATE TABLE memberships (
    kind TEXT COLLATE "C" NOT NULL, code TEXT COLLATE "C" NOT NULL, commune TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, code, commune)
);
CREATE TABLE zones (commune TEXT COLLATE "C", departement TEXT COLLATE "C", zone INTEGER NOT NULL);  -- commune NULL: known by département only
CREATE TABLE place_territories (
    kind TEXT COLLATE "C" NOT NULL, code TEXT COLLATE "C" NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (kind, code, place)
);

CREATE TABLE events (
    batch INTEGER NOT NULL, line BIGINT NOT NULL,
    class INTEGER NOT NULL, place INTEGER NOT NULL, origin INTEGER NOT NULL,
    source_event_id TEXT COLLATE "C", occurred_at TIMESTAMP NOT NULL,  -- UTC
    longitude DOUBLE PRECISION, latitude DOUBLE PRECISION, drug_label TEXT COLLATE "C",
    quantity_kg DOUBLE PRECISION, quantity_units DOUBLE PRECISION, value_eur DOUBLE PRECISION,
    departure_country TEXT COLLATE "C", transit_country TEXT COLLATE "C",
    destination_country TEXT COLLATE "C", producing_country TEXT COLLATE "C",
    checked BIGINT, positive BIGINT, event_id TEXT COLLATE "C" NOT NULL, day DATE NOT NULL, hour BIGINT, cell BIGINT,
    position public.geometry(Point, 4326)
        GENERATED ALWAYS AS (public.ST_SetSRID(public.ST_MakePoint(longitude, latitude), 4326)) STORED
) PARTITION BY RANGE (day);
CREATE INDEX ON events (occurred_at, event_id);
CREATE INDEX ON events (place, occurred_at);
CREATE INDEX ON events (cell);
CREATE INDEX ON events USING gist (position);

-- A unique key of a partitioned table must contain the partition's column: a corrected date would then make a second
-- fact. This table has no partitions, so that an identifier is there once; it says where its fact is.
CREATE TABLE event_keys (event_id TEXT COLLATE "C" PRIMARY KEY, day DATE NOT NULL, occurred_at TIMESTAMP NOT NULL);

CREATE TABLE indicators (
    batch INTEGER NOT NULL, line BIGINT NOT NULL,
    source TEXT COLLATE "C" NOT NULL, territory_kind TEXT COLLATE "C" NOT NULL, territory TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL, indicator TEXT COLLATE "C" NOT NULL, unit_of_count TEXT COLLATE "C" NOT NULL,
    value DOUBLE PRECISION, disclosed TEXT COLLATE "C" NOT NULL, population DOUBLE PRECISION, population_year BIGINT,
    release DATE NOT NULL,
    UNIQUE (territory, territory_kind, indicator, year, unit_of_count, release, source)
);
CREATE INDEX ON indicators (batch);

-- Counts by day, place and class. `cell` NULL: no hexagon is known. A load appends its own rows.
CREATE TABLE rollup (
    zone INTEGER NOT NULL, day DATE NOT NULL, cell BIGINT, place INTEGER NOT NULL, class INTEGER NOT NULL,
    events BIGINT NOT NULL, incidents BIGINT NOT NULL, controls BIGINT NOT NULL,
    checked BIGINT, positive BIGINT, micrograms BIGINT, cents BIGINT
);
CREATE INDEX ON rollup (zone, day);
CREATE INDEX ON rollup (place);
CREATE INDEX ON rollup USING brin (day);
-- The same by hexagon of resolution 9 only: the cost of the usual map grows with its hexagons, not with the facts.
CREATE TABLE hexagon_days (
    zone INTEGER NOT NULL, day DATE NOT NULL, cell BIGINT NOT NULL,
    incidents BIGINT NOT NULL, controls BIGINT NOT NULL,
    checked BIGINT, positive BIGINT, micrograms BIGINT, cents BIGINT
);
CREATE INDEX ON hexagon_days (zone, day);
CREATE INDEX ON hexagon_days USING brin (day);
-- What each load brought, by producer and place: the age of a source without reading the facts.
CREATE TABLE tallies (
    batch INTEGER NOT NULL, origin INTEGER NOT NULL, place INTEGER NOT NULL,
    events BIGINT NOT NULL, first_day DATE NOT NULL, last_day DATE NOT NULL
);
CREATE INDEX ON tallies (place);
CREATE INDEX ON tallies (batch);

-- Facts and figures with the texts that their numbers stand for, for a reader's own rights.
CREATE VIEW facts WITH (security_invoker = true) AS
SELECT * FROM events JOIN classes USING (class) JOIN places USING (place) JOIN origins USING (origin);

-- A quantity in whole units, halves away from zero as in DuckDB: round() goes to the even one. x >= 0.
CREATE FUNCTION whole(x DOUBLE PRECISION) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (trunc(x) + CASE WHEN x - trunc(x) >= 0.5 THEN 1 ELSE 0 END)::BIGINT;
