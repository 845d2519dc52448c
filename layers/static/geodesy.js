// Lengths and areas on the ellipsoid (WGS 84), and how they and positions are written. Points are {lat, lng} in degrees.
(function () {
  "use strict";
  const hexacross = L.hexacross;
  const { Geodesic } = geodesic; // GeographicLib: Karney (2013), Algorithms for geodesics, doi:10.1007/s00190-012-0578-z
  const EARTH = Geodesic.WGS84;
  const DRAWN_STEP_M = 20_000; // shorter, a geodesic and the straight line of the map are the same few pixels
  const MOST_STEPS = 200;
  const CIRCLE_SIDES = 180;

  /** Metres along the shortest way. */
  hexacross.distance = (from, to) => EARTH.Inverse(from.lat, from.lng, to.lat, to.lng, Geodesic.DISTANCE).s12;

  /** Square metres within a closed line of shortest ways. */
  hexacross.area = function (points) {
    const ring = EARTH.Polygon(false);
    for (const { lat, lng } of points) ring.AddPoint(lat, lng);
    return Math.abs(ring.Compute(false, true).area);
  };

  /** The point halfway. */
  hexacross.halfway = function (from, to) {
    const line = EARTH.InverseLine(from.lat, from.lng, to.lat, to.lng, Geodesic.STANDARD | Geodesic.LONG_UNROLL | Geodesic.DISTANCE_IN);
    return at(line, line.s13 / 2);
  };

  /** The shortest way through these points, in steps that may be joined by straight lines on the map. */
  hexacross.shortestWay = function (points) {
    const way = points.slice(0, 1);
    for (let i = 1; i < points.length; i += 1) {
      const [from, to] = [points[i - 1], points[i]];
      const line = EARTH.InverseLine(from.lat, from.lng, to.lat, to.lng, Geodesic.STANDARD | Geodesic.LONG_UNROLL | Geodesic.DISTANCE_IN);
      const steps = Math.min(MOST_STEPS, Math.ceil(line.s13 / DRAWN_STEP_M));
      for (let step = 1; step < steps; step += 1) way.push(at(line, (line.s13 * step) / steps));
      way.push(to);
    }
    return way;
  };

  function at(line, metres) {
    const { lat2, lon2 } = line.Position(metres, Geodesic.STANDARD | Geodesic.LONG_UNROLL);
    return { lat: lat2, lng: lon2 };
  }

  /** The points at one distance around a centre. */
  hexacross.circle = function (centre, radius) {
    return Array.from({ length: CIRCLE_SIDES }, (_none, i) => {
      const { lat2, lon2 } = EARTH.Direct(centre.lat, centre.lng, (360 * i) / CIRCLE_SIDES, radius, Geodesic.STANDARD | Geodesic.LONG_UNROLL);
      return { lat: lat2, lng: lon2 };
    });
  };

  /** `85,4 m`, `850 m`, `3,42 km`, `34,2 km`, `1 342 km`: three figures, or whole ones. */
  hexacross.sayLength = (metres, locale) => (metres < 1000 ? `${significant(metres, locale, 1)} m` : `${significant(metres / 1000, locale, 2)} km`);

  /** `8 540 m²`, `0,85 km²`, `342 km²`. */
  hexacross.sayArea = (metres2, locale) =>
    metres2 < 100_000 ? `${significant(metres2, locale, 1)} m²` : `${significant(metres2 / 1e6, locale, 2)} km²`;

  function significant(value, locale, decimals) {
    const digits = Math.max(0, Math.min(decimals, 3 - Math.max(1, Math.ceil(Math.log10(value || 1)))));
    return hexacross.sayNumber(value, locale, { decimals: digits });
  }

  /** A position as people write it: `43,29650° N 5,36980° E`, or `43° 17′ 47,4″ N 5° 22′ 11,3″ E`. */
  hexacross.sayPosition = function ({ lat, lng }, sexagesimal, strings) {
    const write = sexagesimal ? inMinutes : inDegrees;
    const east = ((((lng + 180) % 360) + 360) % 360) - 180; // the map goes round the world
    return `${write(lat, strings.locale)} ${lat < 0 ? strings.south : strings.north} ${write(east, strings.locale)} ${east < 0 ? strings.west : strings.east}`;
  };

  function fixed(value, digits, locale, whole = 1) {
    return hexacross.sayNumber(value, locale, { decimals: digits, whole });
  }

  function inDegrees(value, locale) {
    return `${fixed(Math.abs(value), 5, locale)}°`;
  }

  function inMinutes(value, locale) {
    const tenths = Math.round(Math.abs(value) * 36_000); // of a second: rounded once, so that no 60″ is written
    const seconds = (tenths % 600) / 10;
    const minutes = Math.floor(tenths / 600) % 60;
    return `${Math.floor(tenths / 36_000)}° ${fixed(minutes, 0, locale, 2)}′ ${fixed(seconds, 1, locale, 2)}″`;
  }
})();
