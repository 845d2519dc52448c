-- Who reads what. A reader's territories stand in a setting of the transaction, sealed so that SQL sent by a reader
-- cannot forge them; a person who connects without the server (QGIS, psql) has those that `rights` gives to the login.

DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hexacross_national', 'hexacross_antenna', 'hexacross_cross', 'hexacross_wall',
                                  'hexacross_loader', 'hexacross_server']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;
-- The application's login is made a member of hexacross_server: it becomes one of the five for each transaction.
GRANT hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall, hexacross_loader TO hexacross_server;
ALTER ROLE hexacross_server NOINHERIT;

CREATE TABLE rights (
    login TEXT NOT NULL, territory TEXT COLLATE "C" NOT NULL,  -- 'kind:code', or '*' for everywhere
    PRIMARY KEY (login, territory)
);
CREATE TABLE seal (secret BYTEA NOT NULL);
INSERT INTO seal VALUES (decode(replace(gen_random_uuid()::TEXT || gen_random_uuid()::TEXT, '-', ''), 'hex'));

-- HMAC-SHA-256 (RFC 2104) of the territories for this transaction of this connection and no other.
CREATE FUNCTION sealed(territories TEXT) RETURNS TEXT LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$
DECLARE
    message BYTEA := convert_to(concat_ws(' ', pg_backend_pid(), extract(epoch FROM transaction_timestamp()), territories), 'UTF8');
    secret BYTEA := (SELECT seal.secret FROM seal);
    inner_pad BYTEA := ''; outer_pad BYTEA := '';
    byte INTEGER;
BEGIN
    FOR i IN 0..63 LOOP
        byte := CASE WHEN i < length(secret) THEN get_byte(secret, i) ELSE 0 END;
        inner_pad := inner_pad || set_byte('\x00', 0, byte # 54);
        outer_pad := outer_pad || set_byte('\x00', 0, byte # 92);
    END LOOP;
    RETURN encode(sha256(outer_pad || sha256(inner_pad || message)), 'hex');
END $$;

-- Open this transaction for a viewer: its territories, '*' for everywhere. Only the server may.
CREATE FUNCTION open_for(territories TEXT[]) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$
DECLARE
    joined TEXT := array_to_string(territories, '|');
BEGIN
    PERFORM set_config('hexacross.viewer', sealed(joined) || joined, true);
END $$;

-- The territories of whoever asks; none when the seal is broken.
CREATE FUNCTION seen_territories() RETURNS SETOF TEXT LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$
DECLARE
    stated TEXT := coalesce(current_setting('hexacross.viewer', true), '');
    territories TEXT := substr(stated, 65);
BEGIN
    IF stated = '' THEN
        RETURN QUERY SELECT territory FROM rights WHERE login = session_user;
    ELSIF left(stated, 64) = sealed(territories) THEN
        RETURN QUERY SELECT unnest(string_to_array(territories, '|'));
    END IF;
END $$;

CREATE FUNCTION sees_everywhere() RETURNS BOOLEAN LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$ SELECT '*' IN (SELECT seen_territories()) $$;

CREATE FUNCTION seen_places() RETURNS SETOF INTEGER LANGUAGE sql STABLE SECURITY DEFINER ROWS 300
SET search_path = hexacross, pg_temp AS $$
    SELECT DISTINCT place FROM seen_territories() AS seen
    JOIN place_territories ON kind = split_part(seen, ':', 1) AND code = substr(seen, strpos(seen, ':') + 1)
$$;

-- The zones of which every place is seen: a count of a zone says nothing of a place outside the territories.
CREATE FUNCTION seen_zones() RETURNS SETOF INTEGER LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = hexacross, pg_temp AS $$
    SELECT zone FROM places LEFT JOIN (SELECT seen_places() AS place) AS seen USING (place)
    WHERE zone IN (SELECT zone FROM places WHERE place IN (SELECT seen_places()))
    GROUP BY zone HAVING count(seen.place) = count(*)
$$;

-- Published figures of the communes, and of the whole départements, that make up the territories: 'kind:code'.
CREATE FUNCTION seen_figures() RETURNS SETOF TEXT LANGUAGE sql STABLE SECURITY DEFINER ROWS 300
SET search_path = hexacross, pg_temp AS $$
    WITH held AS (
        SELECT DISTINCT commune FROM seen_territories() AS seen
        JOIN memberships ON kind = split_part(seen, ':', 1) AND code = substr(seen, strpos(seen, ':') + 1)
    )
    SELECT 'commune:' || commune FROM held
    UNION ALL
    SELECT 'departement:' || code FROM memberships LEFT JOIN held USING (commune)
    WHERE kind = 'departement' GROUP BY code HAVING count(held.commune) = count(*)
$$;

-- The places, and their zones, that a query's territory and the viewer's territories leave; `whole`: all those of
-- these zones. Asked before the reader's rights narrow what can be counted.
CREATE FUNCTION scope_of(territory_kind TEXT, territory_code TEXT)
RETURNS TABLE (place INTEGER, zone INTEGER, whole BOOLEAN) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$
    WITH kept AS (
        SELECT p.place, p.zone FROM places p
        WHERE (territory_kind IS NULL
               OR p.place IN (SELECT t.place FROM place_territories t WHERE t.kind = territory_kind AND t.code = territory_code))
          AND ((SELECT sees_everywhere()) OR p.place IN (SELECT seen_places()))
    )
    SELECT kept.place, kept.zone,
        (SELECT count(*) FROM places p WHERE p.zone IN (SELECT kept.zone FROM kept)) = (SELECT count(*) FROM kept)
    FROM kept ORDER BY kept.place
$$;

CREATE FUNCTION knows_territory(territory_kind TEXT, territory_code TEXT) RETURNS BOOLEAN LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = hexacross, pg_temp AS $$
    SELECT EXISTS (SELECT FROM memberships WHERE kind = territory_kind AND code = territory_code)
        OR EXISTS (SELECT FROM place_territories WHERE kind = territory_kind AND code = territory_code)
$$;

-- A month's partition, made when a load brings its first fact. Attached, not created in place: readers go on.
CREATE FUNCTION ensure_months(days DATE[]) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER
SET search_path = hexacross, public, pg_temp AS $$
DECLARE
    first_of_month DATE;
    named TEXT;
BEGIN
    FOR first_of_month IN SELECT DISTINCT date_trunc('month', unnest)::DATE FROM unnest(days) ORDER BY 1 LOOP
        named := 'events_' || to_char(first_of_month, 'YYYY_MM');
        IF to_regclass('hexacross.' || named) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING GENERATED)', named);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', named);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', named);
            EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                           named, first_of_month, first_of_month + INTERVAL '1 month');
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hexacross FROM PUBLIC;
GRANT USAGE ON SCHEMA hexacross TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall, hexacross_loader, hexacross_server;
GRANT EXECUTE ON FUNCTION open_for TO hexacross_server;
GRANT EXECUTE ON FUNCTION seen_territories, sees_everywhere, seen_places, seen_zones, seen_figures, scope_of, knows_territory, whole
    TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall, hexacross_loader;
GRANT EXECUTE ON FUNCTION ensure_months TO hexacross_loader;

-- Aggregates for all; facts one by one and refused lines not for a wall.
GRANT SELECT ON migrations, meta, batches, classes, places, origins, memberships, zones, place_territories, indicators, rollup, hexagon_days, tallies
    TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall;
GRANT SELECT ON events, facts, quarantine TO hexacross_national, hexacross_antenna, hexacross_cross;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hexacross TO hexacross_loader;
REVOKE ALL ON rights, seal, migrations FROM hexacross_loader;
GRANT SELECT ON migrations TO hexacross_loader, hexacross_server;

DO $$
DECLARE
    guarded RECORD;
BEGIN
    FOR guarded IN SELECT * FROM (VALUES
        ('events', 'place IN (SELECT seen_places())', false),
        ('rollup', 'place IN (SELECT seen_places())', false),
        ('tallies', 'place IN (SELECT seen_places())', false),
        ('places', 'place IN (SELECT seen_places())', true),
        ('place_territories', 'place IN (SELECT seen_places())', true),
        ('hexagon_days', 'zone IN (SELECT seen_zones())', false),
        ('indicators', $q$territory_kind || ':' || territory IN (SELECT seen_figures())$q$, false),
        ('batches', 'has_indicators OR batch IN (SELECT batch FROM tallies)', false),
        ('quarantine', 'false', false)
    ) AS policies (relation, seen, read_by_owner)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded.relation);
        -- Also for the owner; except where the functions above look up what a reader sees.
        IF NOT guarded.read_by_owner THEN
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded.relation);
        END IF;
        EXECUTE format('CREATE POLICY nationwide ON %I FOR SELECT TO hexacross_national USING (true)', guarded.relation);
        EXECUTE format('CREATE POLICY by_territory ON %I FOR SELECT TO hexacross_antenna, hexacross_cross, hexacross_wall'
                       ' USING ((SELECT sees_everywhere()) OR %s)', guarded.relation, guarded.seen);
        EXECUTE format('CREATE POLICY loading ON %I TO hexacross_loader USING (true) WITH CHECK (true)', guarded.relation);
    END LOOP;
END $$;
