-- Create "idempotency_keys" table
CREATE TABLE "idempotency_keys" (
  "id" uuid NOT NULL,
  "request" bytea NOT NULL,
  "answer" bytea NOT NULL,
  "created_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
-- Create index "idempotency_keys_created_at" to table: "idempotency_keys"
CREATE INDEX "idempotency_keys_created_at" ON "idempotency_keys" ("created_at");
