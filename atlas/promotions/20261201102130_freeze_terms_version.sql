-- The version of the terms of an assignment is frozen like the rest of the promise.
CREATE OR REPLACE TRIGGER "player_promotions_frozen" BEFORE UPDATE ON "player_promotions" FOR EACH ROW
  WHEN ((OLD.amount, OLD.title, OLD.assigned_by, OLD.created_at, OLD.expires_at, OLD.times_assigned, OLD.source, OLD.job_id,
      OLD.terms_version)
    IS DISTINCT FROM (NEW.amount, NEW.title, NEW.assigned_by, NEW.created_at, NEW.expires_at, NEW.times_assigned, NEW.source,
      NEW.job_id, NEW.terms_version)
    AND NOT (NOT OLD.claimed AND NOT NEW.claimed AND NEW.times_assigned = OLD.times_assigned + 1
      AND NEW.revoked_at IS NULL AND NEW.expired_at IS NULL
      AND (OLD.revoked_at IS NOT NULL OR COALESCE(OLD.expires_at <= NEW.created_at, false))))
  EXECUTE FUNCTION "player_promotions_frozen"();
