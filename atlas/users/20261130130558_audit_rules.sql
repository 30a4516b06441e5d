-- The audit trail is append-only. The trigger prevents mistakes; the owner of the table can drop it. Entries can be deleted after
-- a minimum time: acts of employees and operators after 60 days, other entries after one day.
CREATE FUNCTION "audit_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % is refused', TG_OP
    USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_append_only', TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER "audit_append_only" BEFORE UPDATE OR TRUNCATE ON "audit"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_append_only"();
CREATE TRIGGER "audit_retained" BEFORE DELETE ON "audit" FOR EACH ROW
  WHEN (OLD.at > now() - CASE WHEN OLD.long_term THEN interval '60 days' ELSE interval '1 day' END)
  EXECUTE FUNCTION "audit_append_only"();
