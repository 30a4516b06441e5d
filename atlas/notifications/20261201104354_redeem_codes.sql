-- Modify "idempotency_keys" table
ALTER TABLE "idempotency_keys" ADD COLUMN "existing" boolean NOT NULL DEFAULT false;
