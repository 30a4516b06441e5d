-- What made an assignment. Rows of the previous release get their source from the trigger, whenever they are inserted or
-- changed, and from the next migration. NOT VALID: the rows that exist are checked after that.
ALTER TABLE "player_promotions" ADD COLUMN "source" text NOT NULL DEFAULT 'REGISTRATION', ADD COLUMN "job_id" uuid NULL,
  ADD CONSTRAINT "player_promotions_source" CHECK (source IN ('REGISTRATION', 'STAFF', 'JOB', 'CODE')) NOT VALID,
  ADD CONSTRAINT "player_promotions_source_with_employee" CHECK ((assigned_by IS NOT NULL) = (source IN ('STAFF', 'JOB')))
    NOT VALID,
  ADD CONSTRAINT "player_promotions_source_with_job" CHECK ((job_id IS NOT NULL) = (source = 'JOB')) NOT VALID;

CREATE FUNCTION "player_promotions_source"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.source := 'STAFF';
  RETURN NEW;
END
$$;
CREATE TRIGGER "player_promotions_source" BEFORE INSERT OR UPDATE ON "player_promotions" FOR EACH ROW
  WHEN (NEW.assigned_by IS NOT NULL AND NEW.source NOT IN ('STAFF', 'JOB')) EXECUTE FUNCTION "player_promotions_source"();
