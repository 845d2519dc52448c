-- Where and when the facts of {facts} lie, for those who follow the changes; too many places are told as "everything".
INSERT INTO changed_places
WITH touched AS (
    SELECT place, {cell} AS parent, min(day) AS first_day, max(day) AS last_day FROM {facts} GROUP BY 1, 2
)
SELECT version, place, parent, first_day, last_day FROM touched, meta WHERE (SELECT count(*) FROM touched) <= $most
