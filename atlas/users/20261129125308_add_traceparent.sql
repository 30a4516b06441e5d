-- Modify "outbox" table
ALTER TABLE "outbox" ADD COLUMN "traceparent" text NOT NULL DEFAULT '';
