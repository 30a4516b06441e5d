-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "kept_session" uuid NULL;
