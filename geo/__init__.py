"""What is computed: cells, territories, aggregation, statistics. Arrays in, arrays out; no store, no file, no page."""
