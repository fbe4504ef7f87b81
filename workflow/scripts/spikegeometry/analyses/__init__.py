"""One module for each analysis: what it measures of a network and of what was recorded of it."""
