-- Create "notifications" table
CREATE TABLE "notifications" (
  "id" uuid NOT NULL,
  "type" text NOT NULL,
  "content" jsonb NOT NULL DEFAULT '{}',
  "read" boolean NOT NULL DEFAULT false,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  "seq" bigint NOT NULL,
  "event_id" text NOT NULL,
  PRIMARY KEY ("id")
);
-- Create index "notifications_event_id_key" to table: "notifications"
CREATE UNIQUE INDEX "notifications_event_id_key" ON "notifications" ("event_id");
-- Create index "notifications_user_id_seq" to table: "notifications"
CREATE UNIQUE INDEX "notifications_user_id_seq" ON "notifications" ("user_id", "seq");
-- Create index "notifications_user_id_seq_not_read" to table: "notifications"
CREATE INDEX "notifications_user_id_seq_not_read" ON "notifications" ("user_id", "seq") WHERE (NOT read);
