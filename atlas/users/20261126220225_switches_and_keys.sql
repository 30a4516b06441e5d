-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "switches" bigint NOT NULL DEFAULT 0, ADD COLUMN "sessions_to_end" boolean NOT NULL DEFAULT false;
-- Create index "users_id" to table: "users"
CREATE INDEX "users_id" ON "users" ("id") WHERE sessions_to_end;
