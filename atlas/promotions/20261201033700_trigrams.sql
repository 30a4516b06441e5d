-- The search in titles uses an index over trigrams.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
