// The tools of the map: each a file of its own, that needs the Leaflet map and the helpers of L.hexacross, no layer.
(function () {
  "use strict";
  const hexacross = L.hexacross;

  /** Add them; returns controls. `page()`: the window whose address is the view; `changes`: the stream, "": none. */
  hexacross.tools = function (map, { colours, strings, page, changes }) {
    const figures = new hexacross.ZoneFigures(strings, "/zone", changes);
    return [
      new hexacross.Coordinates(strings),
      new hexacross.Measure(colours, strings),
      figures,
      new hexacross.Zone(colours, strings, page, figures),
    ].map((control) => control.addTo(map));
  };
})();
