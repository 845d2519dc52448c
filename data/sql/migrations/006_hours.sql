-- Some hours of the day are counted from the facts themselves: a wall reads of a fact what the roll-up says of it, and
-- its hour. Identifier, source, instant, position and the rest stay closed to it; rows stay those of its territories.
GRANT SELECT (class, place, day, hour, cell, checked, positive, quantity_kg, value_eur) ON events TO hexacross_wall;
