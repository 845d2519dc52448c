-- Loads of millions fill a month's table before it is the month's; hexagons are summed up by spans of days and packed;
-- identifiers are looked up by a hash. What is there already is moved.

-- The owner moves facts that its own rights do not let it read.
ALTER TABLE rollup NO FORCE ROW LEVEL SECURITY;
ALTER TABLE hexagon_days NO FORCE ROW LEVEL SECURITY;

ALTER TABLE meta ADD COLUMN geography BIGINT NOT NULL DEFAULT 0;  -- grows when a place comes or territories change

-- Of each identifier a 64-bit hash, which sorts and compares ten times as fast as the text, and where its fact is. Equal
-- hashes are only a suspicion, that comparing the texts settles; no two loads write at once. The first loads of
-- millions each bring a run of their own, already indexed; all others go into run 0.
ALTER TABLE event_keys RENAME TO named_keys;
CREATE TABLE event_keys (
    occurred_at TIMESTAMP NOT NULL, key BIGINT NOT NULL, day DATE NOT NULL, run INTEGER NOT NULL DEFAULT 0
) PARTITION BY LIST (run);
CREATE TABLE event_keys_0 PARTITION OF event_keys FOR VALUES IN (0);
INSERT INTO event_keys SELECT occurred_at, hashtextextended(event_id, 0), day FROM named_keys ORDER BY 2;
DROP TABLE named_keys;
CREATE INDEX ON event_keys (key);
CREATE INDEX ON events (occurred_at);
DROP INDEX events_occurred_at_event_id_idx;

-- Counts by month, like the events: a load brings whole months, and a question reads few.
DROP VIEW qgis_hexagons_5, qgis_hexagons_6, qgis_hexagons_7, qgis_hexagons_8, qgis_hexagons_9;
ALTER TABLE rollup RENAME TO undivided_rollup;
CREATE TABLE rollup (
    zone INTEGER NOT NULL, day DATE NOT NULL, cell BIGINT, place INTEGER NOT NULL, class INTEGER NOT NULL,
    events INTEGER NOT NULL, incidents INTEGER NOT NULL, controls INTEGER NOT NULL,
    checked BIGINT, positive BIGINT, micrograms BIGINT, cents BIGINT
) PARTITION BY RANGE (day);
CREATE INDEX ON rollup (zone, day);

-- The summary by hexagon of resolution 9 and by span of 1, 4, 16… days (data/spans.py), of each zone and span in one
-- value (data/packing.py). `hexagon_days` holds what came since: a question adds both up.
CREATE TABLE hexagon_spans (
    zone INTEGER NOT NULL, span INTEGER NOT NULL, packed BYTEA COMPRESSION lz4 NOT NULL, PRIMARY KEY (zone, span)
);
DROP INDEX hexagon_days_day_idx;

-- Which places the drawn hexagons have facts of: a reader is shown the contours of its own.
CREATE TABLE hexagon_places (place INTEGER NOT NULL, cell BIGINT NOT NULL, PRIMARY KEY (place, cell));
DELETE FROM hexagon_outlines;  -- drawn again by `hexacross store outlines`

-- The tables of one month, made when a plain load brings its first fact. Attached, not created in place: readers go on.
CREATE OR REPLACE FUNCTION ensure_months(days DATE[]) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    month DATE;
    parent TEXT;
    named TEXT;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', unnest)::DATE FROM unnest(days) ORDER BY 1 LOOP
        FOREACH parent IN ARRAY ARRAY['events', 'rollup'] LOOP
            named := month_table(parent, month);
            IF to_regclass('hexacross.' || named) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING GENERATED)', named, parent);
                PERFORM attach_month(parent, month);
            END IF;
        END LOOP;
    END LOOP;
END $$;

CREATE FUNCTION month_table(parent TEXT, month DATE) RETURNS TEXT LANGUAGE sql IMMUTABLE
RETURN parent || '_' || to_char(month, 'YYYY_MM');

CREATE FUNCTION attach_month(parent TEXT, month DATE) RETURNS VOID LANGUAGE plpgsql
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    named TEXT := month_table(parent, month);
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', named);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, named, month, month + INTERVAL '1 month');
END $$;

-- A load of millions fills, indexes and commits tables of its own, several at a time, that nobody reads: `arriving_…`.
-- Its last transaction makes them the months' tables, or drops them.
CREATE FUNCTION arriving_table(load TEXT, parent TEXT, month DATE) RETURNS TEXT LANGUAGE sql IMMUTABLE
RETURN 'arriving_' || load || '_' || month_table(parent, month);

CREATE FUNCTION create_arriving(load TEXT, month DATE) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    parent TEXT;
    named TEXT;
BEGIN
    FOREACH parent IN ARRAY ARRAY['events', 'rollup'] LOOP
        named := arriving_table(load, parent, month);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING GENERATED, CONSTRAINT month CHECK (day >= %L AND day < %L))'
                       ' WITH (autovacuum_enabled = false)', named, parent, month, month + INTERVAL '1 month');
        IF parent = 'events' THEN
            EXECUTE format('ALTER TABLE %I DROP COLUMN batch', named);  -- its number is known at the end
        END IF;
        EXECUTE format('GRANT SELECT, INSERT ON %I TO hexacross_loader', named);
    END LOOP;
END $$;

-- Beside the months: what the load adds to the summary and to the keys.
CREATE FUNCTION create_arriving(load TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE %1$I (LIKE hexagon_spans INCLUDING COMPRESSION) WITH (autovacuum_enabled = false);'
                   ' GRANT SELECT, INSERT ON %1$I TO hexacross_loader', 'arriving_' || load || '_spans');
    EXECUTE format('CREATE TABLE %1$I (occurred_at TIMESTAMP NOT NULL, key BIGINT NOT NULL, day DATE NOT NULL)'
                   ' WITH (autovacuum_enabled = false);'
                   ' GRANT SELECT, INSERT ON %1$I TO hexacross_loader', 'arriving_' || load || '_keys');
END $$;

-- The indexes that the parent's parts have, on a table that becomes one.
CREATE FUNCTION index_like(parent TEXT, named TEXT) RETURNS VOID LANGUAGE plpgsql
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    wanted TEXT;
BEGIN
    FOR wanted IN SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = parent::REGCLASS LOOP
        EXECUTE regexp_replace(wanted, '^CREATE INDEX \S+ ON ONLY \S+', format('CREATE INDEX ON %I', named));
    END LOOP;
END $$;

-- A table and its indexes, named for good.
CREATE FUNCTION name_for_good(arrived TEXT, named TEXT) RETURNS VOID LANGUAGE plpgsql
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    own TEXT;
BEGIN
    FOR own IN SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = arrived::REGCLASS LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', own, replace(own, arrived, named));
    END LOOP;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', arrived, named);
END $$;

CREATE FUNCTION index_arriving(load TEXT, parent TEXT, month DATE) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
BEGIN
    IF to_regclass('hexacross.' || month_table(parent, month)) IS NULL THEN
        PERFORM index_like(parent, arriving_table(load, parent, month));
    END IF;
END $$;

-- Few enough runs of keys that looking an identifier up in each of them costs little.
CREATE FUNCTION may_add_keys() RETURNS BOOLEAN LANGUAGE sql STABLE
SET search_path = hexacross, pg_temp
RETURN (SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_keys'::REGCLASS) <= 8;

CREATE FUNCTION index_arriving_keys(load TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
BEGIN
    IF may_add_keys() THEN
        PERFORM index_like('event_keys', 'arriving_' || load || '_keys');
    END IF;
END $$;

CREATE FUNCTION attach_arriving_keys(load TEXT, batch INTEGER) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    arrived TEXT := 'arriving_' || load || '_keys';
    named TEXT := 'event_keys_' || batch;
BEGIN
    IF may_add_keys() THEN
        EXECUTE format('REVOKE ALL ON %I FROM hexacross_loader', arrived);
        EXECUTE format('ALTER TABLE %I RESET (autovacuum_enabled)', arrived);
        EXECUTE format('ALTER TABLE %I ADD COLUMN run INTEGER NOT NULL DEFAULT %s', arrived, batch);  -- no row is written
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT run CHECK (run = %s)', arrived, batch);
        PERFORM name_for_good(arrived, named);
        EXECUTE format('ALTER TABLE event_keys ATTACH PARTITION %I FOR VALUES IN (%s)', named, batch);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT run', named);
    ELSE
        EXECUTE format('INSERT INTO event_keys (occurred_at, key, day) SELECT occurred_at, key, day FROM %I', arrived);
    END IF;
END $$;

-- Make these tables the months' own, and drop what remains of the load; a month that is there already is left alone.
CREATE FUNCTION attach_arriving(load TEXT, months DATE[], batch INTEGER) RETURNS SETOF DATE LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    month DATE;
    parent TEXT;
    named TEXT;
BEGIN
    FOREACH month IN ARRAY months LOOP
        IF to_regclass('hexacross.' || month_table('events', month)) IS NULL THEN
            FOREACH parent IN ARRAY ARRAY['events', 'rollup'] LOOP
                named := arriving_table(load, parent, month);
                EXECUTE format('REVOKE ALL ON %I FROM hexacross_loader', named);
                EXECUTE format('ALTER TABLE %I RESET (autovacuum_enabled)', named);
                IF parent = 'events' THEN  -- one value for all rows: none is written again
                    EXECUTE format('ALTER TABLE %I ADD COLUMN batch INTEGER NOT NULL DEFAULT %s', named, batch);
                    EXECUTE format('ALTER TABLE %I ALTER COLUMN batch DROP DEFAULT', named);
                END IF;
                PERFORM name_for_good(named, month_table(parent, month));
                PERFORM attach_month(parent, month);
                EXECUTE format('ALTER TABLE %I DROP CONSTRAINT month', month_table(parent, month));
            END LOOP;
        ELSE
            RETURN NEXT month;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION drop_arriving(load TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    named TEXT;
BEGIN
    FOR named IN SELECT relname FROM pg_class WHERE relnamespace = 'hexacross'::REGNAMESPACE AND relkind = 'r'
                 AND starts_with(relname, 'arriving_' || load) LOOP
        EXECUTE format('DROP TABLE %I', named);
    END LOOP;
END $$;

-- What loads have left that were cut before their end. Every load of millions holds this lock, shared, while it lives.
CREATE FUNCTION drop_abandoned() RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
BEGIN
    IF pg_try_advisory_xact_lock(hashtext('hexacross.arriving')) THEN
        PERFORM drop_arriving('');
    END IF;
END $$;

-- What is there.
DO $$
BEGIN
    PERFORM ensure_months((SELECT array_agg(DISTINCT day) FROM undivided_rollup));
END $$;
INSERT INTO rollup SELECT * FROM undivided_rollup ORDER BY zone, day, cell;
DROP TABLE undivided_rollup;
INSERT INTO hexagon_spans
SELECT zone, span, '\x08080808080808'
    || string_agg(int8send(cell), '') || string_agg(int8send(incidents), '') || string_agg(int8send(controls), '')
    || string_agg(int8send(coalesce(checked, -1)), '') || string_agg(int8send(coalesce(positive, -1)), '')
    || string_agg(int8send(coalesce(micrograms, -1)), '') || string_agg(int8send(coalesce(cents, -1)), '')
FROM (
    SELECT zone, (level << 24) | ((day - DATE '1970-01-01' + 1048576) >> (2 * level)) AS span, cell,
        sum(incidents)::BIGINT AS incidents, sum(controls)::BIGINT AS controls, sum(checked)::BIGINT AS checked,
        sum(positive)::BIGINT AS positive, sum(micrograms)::BIGINT AS micrograms, sum(cents)::BIGINT AS cents
    FROM hexagon_days, generate_series(0, 5) AS level GROUP BY zone, span, cell ORDER BY zone, span, cell
) AS summed
GROUP BY zone, span;
TRUNCATE hexagon_days;

-- Rights, as in 002.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hexacross FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_arriving(TEXT), create_arriving(TEXT, DATE), index_arriving, index_arriving_keys,
    attach_arriving, attach_arriving_keys, drop_arriving, drop_abandoned
    TO hexacross_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON rollup, hexagon_spans, event_keys, hexagon_places TO hexacross_loader;
GRANT SELECT ON rollup, hexagon_spans, hexagon_places
    TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall;
ALTER TABLE hexagon_days FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    guarded RECORD;
BEGIN
    FOR guarded IN SELECT * FROM (VALUES
        ('rollup', 'place IN (SELECT seen_places())'),
        ('hexagon_spans', 'zone IN (SELECT seen_zones())'),
        ('hexagon_places', 'place IN (SELECT seen_places())'),
        ('hexagon_outlines', 'cell IN (SELECT cell FROM hexagon_places)')
    ) AS policies (relation, seen)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded.relation);
        EXECUTE format('CREATE POLICY nationwide ON %I FOR SELECT TO hexacross_national USING (true)', guarded.relation);
        EXECUTE format('CREATE POLICY by_territory ON %I FOR SELECT TO hexacross_antenna, hexacross_cross, hexacross_wall'
                       ' USING ((SELECT sees_everywhere()) OR %s)', guarded.relation, guarded.seen);
        EXECUTE format('CREATE POLICY loading ON %I TO hexacross_loader USING (true) WITH CHECK (true)', guarded.relation);
    END LOOP;
END $$;

-- As in 003, on the divided table.
DO $$
BEGIN
    FOR resolution IN 5..9 LOOP
        EXECUTE format($q$
            CREATE VIEW qgis_hexagons_%1$s WITH (security_invoker = true) AS
            SELECT to_hex(counted.cell) || ' ' || day AS hexagon_day, to_hex(counted.cell) AS hexagon, day,
                incidents, controls, checked, positive, micrograms / 1e9 AS kg, cents / 100.0 AS eur, outline
            FROM (
                SELECT (cell & %2$s) | %3$s AS cell, day, sum(incidents)::BIGINT AS incidents,
                    sum(controls)::BIGINT AS controls, sum(checked)::BIGINT AS checked, sum(positive)::BIGINT AS positive,
                    sum(micrograms) AS micrograms, sum(cents) AS cents
                FROM rollup WHERE cell IS NOT NULL GROUP BY 1, 2
            ) AS counted JOIN hexagon_outlines USING (cell)$q$,
            resolution, ~(15::BIGINT << 52), (resolution::BIGINT << 52) | ((1::BIGINT << (3 * (15 - resolution))) - 1));
        EXECUTE format('COMMENT ON VIEW qgis_hexagons_%1$s IS %2$L', resolution,
            'Hexagones H3 de résolution ' || resolution || ', un par jour où il y a des faits (contours en WGS 84).');
    END LOOP;
END $$;
GRANT SELECT ON qgis_hexagons_5, qgis_hexagons_6, qgis_hexagons_7, qgis_hexagons_8, qgis_hexagons_9
    TO hexacross_national, hexacross_antenna, hexacross_cross;
