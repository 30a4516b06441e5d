-- Create index "promotions_end_date" to table: "promotions"
CREATE INDEX "promotions_end_date" ON "promotions" ("end_date");
-- Create index "promotions_end_date_is_active" to table: "promotions"
CREATE INDEX "promotions_end_date_is_active" ON "promotions" ("end_date") WHERE is_active;
-- Create index "promotions_inactive_as_id" to table: "promotions"
CREATE INDEX "promotions_inactive_as_id" ON "promotions" ("inactive_as", "id") WHERE (NOT is_active);
-- Create index "promotions_is_active_id" to table: "promotions"
CREATE INDEX "promotions_is_active_id" ON "promotions" ("is_active", "id") WHERE (NOT is_active);
-- Create index "promotions_start_date" to table: "promotions"
CREATE INDEX "promotions_start_date" ON "promotions" ("start_date");
-- Create index "promotions_title" to table: "promotions"
CREATE INDEX "promotions_title" ON "promotions" USING gin ("title" gin_trgm_ops);
