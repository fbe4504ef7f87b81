"""Statistics for all analyses: intervals, resampling, trends over layers, summaries of classes, and findings."""
