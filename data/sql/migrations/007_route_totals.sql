-- Country totals of routes are counted from the facts themselves: a wall reads the countries of a route beside what
-- 006 lets it read, and is answered with protected sums alone (`Store.route_totals`). Identifier, source, instant and
-- position stay closed to it; rows stay those of its territories.
GRANT SELECT (producing_country, departure_country, transit_country, destination_country) ON events TO hexacross_wall;
