-- The first line of each suspect: the store's (row 0), or the earliest of the load.
CREATE TEMP TABLE originals ON COMMIT DROP AS
SELECT 0::BIGINT AS row, {compared} FROM suspects JOIN {stored}
UNION ALL
(SELECT DISTINCT ON ({identity}) row, {compared}
 FROM {arrived} JOIN suspects USING ({identity})
 WHERE NOT EXISTS (SELECT FROM {known} AS known WHERE {same_as_known})
 ORDER BY {identity}, line, row)
