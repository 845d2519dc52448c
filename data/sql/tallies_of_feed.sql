-- Add what a live feed brought, by its open batch, producer and place, to what that batch brought before.
MERGE INTO tallies
USING (
    SELECT batch, origin, place, count(*) AS events, min(day) AS first_day, max(day) AS last_day
    FROM {facts} GROUP BY batch, origin, place
) AS brought
ON tallies.batch = brought.batch AND tallies.origin = brought.origin AND tallies.place = brought.place
WHEN MATCHED THEN UPDATE SET events = tallies.events + brought.events,
    first_day = least(tallies.first_day, brought.first_day), last_day = greatest(tallies.last_day, brought.last_day)
WHEN NOT MATCHED THEN INSERT (batch, origin, place, events, first_day, last_day)
    VALUES (brought.batch, brought.origin, brought.place, brought.events, brought.first_day, brought.last_day)
