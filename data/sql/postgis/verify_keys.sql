-- Facts without their key, and keys without their fact.
SELECT count(*) FROM (
    (SELECT hashtextextended(event_id, 0) AS key, day, occurred_at FROM events
     EXCEPT ALL SELECT key, day, occurred_at FROM event_keys)
    UNION ALL
    (SELECT key, day, occurred_at FROM event_keys
     EXCEPT ALL SELECT hashtextextended(event_id, 0), day, occurred_at FROM events)
) AS wrong
