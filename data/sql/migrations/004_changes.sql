-- What each version changed, for a while, so that whoever was away reads on from the last version seen.

CREATE TABLE changes (version BIGINT PRIMARY KEY, everything BOOLEAN NOT NULL, figures BOOLEAN NOT NULL);
CREATE TABLE changed_places (
    version BIGINT NOT NULL, place INTEGER NOT NULL, cell BIGINT,  -- an ancestor; NULL: no hexagon is known
    first_day DATE NOT NULL, last_day DATE NOT NULL
);
CREATE INDEX ON changed_places (version);

-- That something changed is known to all, as the version is; where, to those who see the place.
GRANT SELECT ON changes, changed_places TO hexacross_national, hexacross_antenna, hexacross_cross, hexacross_wall;
GRANT SELECT, INSERT, DELETE ON changes, changed_places TO hexacross_loader;
ALTER TABLE changed_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE changed_places FORCE ROW LEVEL SECURITY;
CREATE POLICY nationwide ON changed_places FOR SELECT TO hexacross_national USING (true);
CREATE POLICY by_territory ON changed_places FOR SELECT TO hexacross_antenna, hexacross_cross, hexacross_wall
    USING ((SELECT sees_everywhere()) OR place IN (SELECT seen_places()));
CREATE POLICY loading ON changed_places TO hexacross_loader USING (true) WITH CHECK (true);
