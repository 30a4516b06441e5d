-- The table keeps all restrictions, so that `loyalty verify` can compare them with the ledger. A restriction ends once; nothing
-- else changes. The triggers prevent mistakes; the owner of the table can drop them.
CREATE FUNCTION "restrictions_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'restrictions are append-only: % is refused', TG_OP
    USING ERRCODE = 'check_violation', CONSTRAINT = 'restrictions_append_only', TABLE = TG_TABLE_NAME,
      HINT = 'Lift a restriction instead.';
END
$$;
CREATE TRIGGER "restrictions_append_only" BEFORE DELETE OR TRUNCATE ON "restrictions"
  FOR EACH STATEMENT EXECUTE FUNCTION "restrictions_append_only"();
CREATE TRIGGER "restrictions_end_once" BEFORE UPDATE ON "restrictions" FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL OR
    (OLD.id, OLD.user_id, OLD.kind, OLD.until, OLD.reason, OLD.set_by, OLD.by_player, OLD.entries, OLD.created_at)
      IS DISTINCT FROM
    (NEW.id, NEW.user_id, NEW.kind, NEW.until, NEW.reason, NEW.set_by, NEW.by_player, NEW.entries, NEW.created_at))
  EXECUTE FUNCTION "restrictions_append_only"();
