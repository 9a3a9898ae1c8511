// A file to compile with the headers that the others include.
