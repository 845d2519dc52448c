-- Enter the present version's change, which batch $batch made; a batch that is not there changed the territories.
INSERT INTO changes
SELECT version,
    NOT EXISTS (SELECT 1 FROM batches WHERE batch = $batch::INTEGER)
    OR $facts::BOOLEAN AND EXISTS (SELECT 1 FROM tallies WHERE batch = $batch::INTEGER)
        AND NOT EXISTS (SELECT 1 FROM changed_places WHERE changed_places.version = meta.version),
    EXISTS (SELECT 1 FROM indicators WHERE batch = $batch::INTEGER)
FROM meta
