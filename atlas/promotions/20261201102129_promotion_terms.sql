-- Modify "player_promotions" table
ALTER TABLE "player_promotions" ADD COLUMN "terms_version" integer NOT NULL DEFAULT 0;
-- Modify "promotions" table
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_terms_text_length" CHECK (char_length(terms_text) <= 10000), ADD COLUMN "terms_text" text NOT NULL DEFAULT '', ADD COLUMN "terms_version" integer NOT NULL DEFAULT 0;
