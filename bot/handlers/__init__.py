"""One module a topic of the catalogue: a reading in, a reply out."""
