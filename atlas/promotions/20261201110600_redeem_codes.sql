-- Modify "idempotency_keys" table
ALTER TABLE "idempotency_keys" ADD COLUMN "existing" boolean NOT NULL DEFAULT false;
-- Modify "promotions" table
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_code_form" CHECK (code ~ '^[A-Z0-9-]{4,32}$'::text), ADD CONSTRAINT "promotions_code_length" CHECK (char_length(code) <= 32), ADD COLUMN "code" text NULL;
-- Create index "promotions_code" to table: "promotions"
CREATE UNIQUE INDEX "promotions_code" ON "promotions" ("code") WHERE (is_active OR (inactive_as <> 'ARCHIVED'::text));
