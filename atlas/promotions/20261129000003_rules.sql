-- At most one promotion of such a type is active on any day. The types are those with the option unique_per_period in the
-- schema; a test compares them.
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_unique_per_period"
  EXCLUDE USING gist ("type" WITH =, daterange("start_date", "end_date", '[]') WITH &&)
  WHERE ("is_active" AND "type" IN ('WELCOME_BONUS'));
