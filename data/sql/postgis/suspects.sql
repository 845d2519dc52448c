-- Identifiers that occur twice: in the load, or in it and in the store.
CREATE TEMP TABLE suspects ON COMMIT DROP AS
SELECT {identity} FROM {arrived} GROUP BY {identity} HAVING count(*) > 1
UNION
SELECT {identity} FROM {arrived} JOIN {known} USING ({identity})
