-- Facts without their key, and keys without their fact.
SELECT count(*) FROM (
    (SELECT event_id, day, occurred_at FROM events EXCEPT SELECT event_id, day, occurred_at FROM event_keys)
    UNION ALL
    (SELECT event_id, day, occurred_at FROM event_keys EXCEPT SELECT event_id, day, occurred_at FROM events)
) AS wrong
