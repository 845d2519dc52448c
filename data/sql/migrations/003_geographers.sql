-- What a geographer opens in QGIS: points, hexagons and territories, each with the rights of whoever connects.

CREATE TABLE territory_outlines (
    kind TEXT COLLATE "C" NOT NULL, code TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL,
    outline public.geometry(MultiPolygon, 4326) NOT NULL,
    PRIMARY KEY (kind, code)
);
CREATE INDEX ON territory_outlines USING gist (outline);
CREATE TABLE hexagon_outlines (
    cell BIGINT PRIMARY KEY, resolution SMALLINT NOT NULL, outline public.geometry(MultiPolygon, 4326) NOT NULL
);
CREATE INDEX ON hexagon_outlines USING gist (outline);

CREATE VIEW qgis_events WITH (security_invoker = true) AS
SELECT event_id, source, day, occurred_at, family, kind, drug, drug_label, quantity_kg, value_eur, mode, service,
    checked, positive, place_precision, commune, departement, marking, position
FROM facts WHERE position IS NOT NULL;
COMMENT ON VIEW qgis_events IS 'Faits localisés, en points (WGS 84), un par ligne ; occurred_at en UTC.';

CREATE VIEW qgis_territories WITH (security_invoker = true) AS
SELECT kind || ':' || code AS territory, kind, code, name, outline FROM territory_outlines;
COMMENT ON VIEW qgis_territories IS 'Territoires et leurs contours (WGS 84) : CROSS, antennes, départements, régions.';

-- One view a resolution: QGIS wants one geometry and one key a layer. Days stay apart, for its temporal controller.
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

GRANT SELECT ON territory_outlines, hexagon_outlines, qgis_territories
    TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall;
GRANT SELECT ON qgis_hexagons_5, qgis_hexagons_6, qgis_hexagons_7, qgis_hexagons_8, qgis_hexagons_9, qgis_events
    TO hexacross_national, hexacross_antenna, hexacross_cross;
GRANT SELECT, INSERT, UPDATE, DELETE ON territory_outlines, hexagon_outlines TO hexacross_loader;
