-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "switches" bigint NOT NULL DEFAULT 0, ADD COLUMN "sessions_to_end" boolean NOT NULL DEFAULT false;
-- Create index "users_sessions_to_end" to table: "users"
CREATE INDEX "users_sessions_to_end" ON "users" ("sessions_to_end") WHERE sessions_to_end;
