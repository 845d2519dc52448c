-- What the loads are said to have brought, by producer and place, and what is there.
WITH counted AS (
    SELECT batch, origin, place, count(*)::BIGINT AS events, min(day) AS first_day, max(day) AS last_day
    FROM events GROUP BY batch, origin, place
)
SELECT count(*) FROM (
    (SELECT batch, origin, place, events, first_day, last_day FROM counted
     EXCEPT SELECT batch, origin, place, events, first_day, last_day FROM tallies)
    UNION ALL
    (SELECT batch, origin, place, events, first_day, last_day FROM tallies
     EXCEPT SELECT batch, origin, place, events, first_day, last_day FROM counted)
) AS wrong
