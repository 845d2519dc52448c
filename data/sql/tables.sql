-- Everything a store holds, beside `events`, `indicators` and the view `facts`, which follow from data/schema.py.
-- Facts carry small integers (`class`, `place`, `origin`), so that a filter on territories or codes compares integers.

CREATE TABLE meta (
    schema_version INTEGER NOT NULL,  -- of these tables
    version BIGINT NOT NULL,          -- grows with every committed change
    hash_probe UBIGINT NOT NULL,      -- hash('hexacross') when the keys were made
    memberships_digest VARCHAR NOT NULL,
    sorted_rows BIGINT NOT NULL       -- of `rollup`, from its start; what follows was appended since
);

CREATE TABLE batches (
    batch INTEGER NOT NULL,
    batch_id VARCHAR NOT NULL, name VARCHAR NOT NULL, digest VARCHAR NOT NULL, reader VARCHAR NOT NULL,
    source VARCHAR NOT NULL, marking VARCHAR NOT NULL, loaded_at TIMESTAMP NOT NULL,  -- UTC
    lines BIGINT NOT NULL, accepted BIGINT NOT NULL, repeated BIGINT NOT NULL, refused BIGINT NOT NULL,
    identical BIGINT NOT NULL, first_day DATE, last_day DATE
);

CREATE TABLE quarantine (
    batch INTEGER NOT NULL, line BIGINT NOT NULL, field VARCHAR NOT NULL,
    given VARCHAR NOT NULL, reason VARCHAR NOT NULL, expected VARCHAR NOT NULL
);

-- The distinct combinations that occur, numbered from 1.
CREATE TABLE classes (class INTEGER NOT NULL, family VARCHAR NOT NULL, kind VARCHAR NOT NULL, drug VARCHAR, mode VARCHAR, service VARCHAR);
CREATE TABLE places (
    place INTEGER NOT NULL, place_precision VARCHAR, commune VARCHAR, arrondissement VARCHAR, departement VARCHAR, country VARCHAR,
    zone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE origins (
    origin INTEGER NOT NULL, source VARCHAR NOT NULL, marking VARCHAR, occurred_precision VARCHAR, quantity_unit VARCHAR,
    reliability VARCHAR, credibility VARCHAR
);

-- The territories' composition as given, and what follows from it.
CREATE TABLE memberships (kind VARCHAR NOT NULL, code VARCHAR NOT NULL, commune VARCHAR NOT NULL);
CREATE TABLE zones (commune VARCHAR, departement VARCHAR, zone INTEGER NOT NULL);  -- commune NULL: known by département only
CREATE TABLE place_territories (kind VARCHAR NOT NULL, code VARCHAR NOT NULL, place INTEGER NOT NULL);

-- Counts by day, place and class, sorted by (zone, day, cell): a territory's month is a few row groups. `cell` NULL: no hexagon is known.
-- A load appends a row for each of its facts; rows of one key are merged when the whole is sorted again.
-- Weights are whole micrograms and amounts whole cents, whose sums do not depend on their order.
CREATE TABLE rollup (
    zone INTEGER NOT NULL, day DATE NOT NULL, cell BIGINT, place INTEGER NOT NULL, class INTEGER NOT NULL,
    events BIGINT NOT NULL, incidents BIGINT NOT NULL, controls BIGINT NOT NULL,
    checked BIGINT, positive BIGINT, micrograms BIGINT, cents BIGINT
);
-- What each load brought, by producer and place: the age of a source without reading the facts.
CREATE TABLE tallies (
    batch INTEGER NOT NULL, origin INTEGER NOT NULL, place INTEGER NOT NULL,
    events BIGINT NOT NULL, first_day DATE NOT NULL, last_day DATE NOT NULL
);
