-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "restriction_changes" bigint NOT NULL DEFAULT 0, ADD COLUMN "promotions_refused_until" bigint NOT NULL DEFAULT 0;
-- Modify "audit" table, after "users": acts lock a user before they add an entry. 20261201031002 checks the existing rows, with a lock that allows writes.
ALTER TABLE "audit" DROP CONSTRAINT "audit_action", ADD CONSTRAINT "audit_action" CHECK (action = ANY (ARRAY['LOGIN'::text, 'REFRESH'::text, 'LOGOUT'::text, 'CHANGE_PASSWORD'::text, 'END_SESSION'::text, 'END_SESSIONS'::text, 'ENROL_MFA'::text, 'CONFIRM_MFA'::text, 'DISABLE_MFA'::text, 'VERIFY_MFA'::text, 'RESET_MFA'::text, 'REGISTER_STAFF'::text, 'DEACTIVATE_USER'::text, 'ACTIVATE_USER'::text, 'REVERSE_TRANSACTION'::text, 'CREATE_ADMIN'::text, 'RESET_ADMIN'::text, 'CREATE_PROMOTION'::text, 'UPDATE_PROMOTION'::text, 'ASSIGN_PROMOTION'::text, 'MARK_ANOMALY_SEEN'::text, 'PUBLISH_PROMOTION'::text, 'PAUSE_PROMOTION'::text, 'RESUME_PROMOTION'::text, 'ARCHIVE_PROMOTION'::text, 'RESTRICT_PLAYER'::text, 'LIFT_RESTRICTION'::text, 'REVOKE_ASSIGNMENTS'::text])) NOT VALID;
-- Create "restrictions" table
CREATE TABLE "restrictions" (
  "id" uuid NOT NULL,
  "kind" text NOT NULL,
  "until" timestamptz NULL,
  "reason" text NOT NULL,
  "set_by" uuid NOT NULL,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  "by_player" boolean NOT NULL,
  "entries" bigint NOT NULL,
  "ended_at" timestamptz NULL,
  "ended_entries" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("id"),
  CONSTRAINT "restrictions_kind" CHECK (kind = ANY (ARRAY['SELF_EXCLUSION'::text, 'COOL_OFF'::text, 'HARM_INDICATOR'::text, 'BONUS_ABUSE'::text, 'MARKETING_OPT_OUT'::text]))
);
-- Create index "restrictions_user_id_kind_by_player" to table: "restrictions"
CREATE UNIQUE INDEX "restrictions_user_id_kind_by_player" ON "restrictions" ("user_id", "kind", "by_player") WHERE (ended_at IS NULL);
