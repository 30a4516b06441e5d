-- The exclusion constraint on promotions compares texts in a GiST index.
CREATE EXTENSION IF NOT EXISTS btree_gist;
