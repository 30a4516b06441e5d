-- atlas:nolint

-- The unique index has no rows yet: "reverses" is a new column.
-- Modify "transactions" table
ALTER TABLE "transactions" ADD COLUMN "reverses" uuid NULL, ADD COLUMN "mac" text NOT NULL DEFAULT '';
-- Create index "transactions_user_id_reverses" to table: "transactions"
CREATE UNIQUE INDEX "transactions_user_id_reverses" ON "transactions" ("user_id", "reverses") WHERE (reverses IS NOT NULL);
-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "ledger_head" text NOT NULL DEFAULT '';
