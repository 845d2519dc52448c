"""What a map is made of: hexagons, basemap, outlines, classes, colours, legend. Fetches nothing."""
