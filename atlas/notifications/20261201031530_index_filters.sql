-- atlas:txmode none

-- Create index "notifications_user_id_seq_read" to table: "notifications"
CREATE INDEX CONCURRENTLY IF NOT EXISTS "notifications_user_id_seq_read" ON "notifications" ("user_id", "seq") WHERE read;
