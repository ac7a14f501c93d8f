"""Metrics for Prometheus: what is counted, what is asked at a scrape, and who may read it."""
