-- At most one promotion of a type with the schema option unique_per_period is active on any day. A test compares the types
-- with the schema.
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_unique_per_period"
  EXCLUDE USING gist ("type" WITH =, daterange("start_date", "end_date", '[]') WITH &&)
  WHERE ("is_active" AND "type" IN ('WELCOME_BONUS'));
