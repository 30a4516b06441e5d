-- Create "audit" table
CREATE TABLE "audit" (
  "id" uuid NOT NULL,
  "at" timestamptz NOT NULL,
  "service" text NOT NULL,
  "actor" uuid NULL,
  "action" text NOT NULL,
  "target" uuid NULL,
  "address" text NOT NULL,
  "session" uuid NULL,
  "outcome" text NOT NULL,
  "before" jsonb NOT NULL DEFAULT '{}',
  "after" jsonb NOT NULL DEFAULT '{}',
  "long_term" boolean NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "audit_action" CHECK (action = ANY (ARRAY['LOGIN'::text, 'REFRESH'::text, 'LOGOUT'::text, 'CHANGE_PASSWORD'::text, 'END_SESSION'::text, 'END_SESSIONS'::text, 'ENROL_MFA'::text, 'CONFIRM_MFA'::text, 'DISABLE_MFA'::text, 'VERIFY_MFA'::text, 'RESET_MFA'::text, 'REGISTER_STAFF'::text, 'DEACTIVATE_USER'::text, 'ACTIVATE_USER'::text, 'REVERSE_TRANSACTION'::text, 'CREATE_ADMIN'::text, 'RESET_ADMIN'::text, 'CREATE_PROMOTION'::text, 'UPDATE_PROMOTION'::text, 'ASSIGN_PROMOTION'::text, 'MARK_ANOMALY_SEEN'::text]))
);
-- Create index "audit_action_id" to table: "audit"
CREATE INDEX "audit_action_id" ON "audit" ("action", "id");
-- Create index "audit_actor_id" to table: "audit"
CREATE INDEX "audit_actor_id" ON "audit" ("actor", "id");
-- Create index "audit_long_term_id" to table: "audit"
CREATE INDEX "audit_long_term_id" ON "audit" ("long_term", "id");
-- Create index "audit_service_id" to table: "audit"
CREATE INDEX "audit_service_id" ON "audit" ("service", "id");
-- Create index "audit_target_id" to table: "audit"
CREATE INDEX "audit_target_id" ON "audit" ("target", "id");
-- Create "second_factors" table
CREATE TABLE "second_factors" (
  "id" uuid NOT NULL,
  "secret" bytea NOT NULL,
  "recovery_codes" text NOT NULL,
  "active" boolean NOT NULL DEFAULT false,
  "last_step" bigint NOT NULL,
  "verified_session" uuid NULL,
  "verified_at" timestamptz NULL,
  "created_at" timestamptz NOT NULL,
  PRIMARY KEY ("id")
);
