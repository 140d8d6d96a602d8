"""Tables: one strict reader, and what their columns and cells mean."""
