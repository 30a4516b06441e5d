-- Create index "users_is_active_id" to table: "users"
CREATE INDEX "users_is_active_id" ON "users" ("is_active", "id") WHERE (NOT is_active);
