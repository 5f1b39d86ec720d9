"""The lists of docs/development.md, carried out on a copy of the project: `make prove PART=recipes`."""
