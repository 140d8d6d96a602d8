"""Parts of the result of an experiment: each computes, and knows its tables and its page."""
