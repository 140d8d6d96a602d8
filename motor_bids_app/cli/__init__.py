"""The command line: text of the user in, settings out."""
