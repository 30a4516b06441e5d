-- Modify "player_promotions" table
ALTER TABLE "player_promotions" ADD COLUMN "times_muted" bigint NOT NULL DEFAULT 0;
-- Modify "players" table
ALTER TABLE "players" ADD COLUMN "restrictions_version" bigint NOT NULL DEFAULT 0, ADD COLUMN "promotions_refused_until" bigint NOT NULL DEFAULT 0, ADD COLUMN "promotions_muted_until" bigint NOT NULL DEFAULT 0;
-- Create "player_restrictions" table
CREATE TABLE "player_restrictions" (
  "id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "kind" text NOT NULL,
  "until" timestamptz NULL,
  "by_player" boolean NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "player_restrictions_kind" CHECK (kind = ANY (ARRAY['SELF_EXCLUSION'::text, 'COOL_OFF'::text, 'HARM_INDICATOR'::text, 'BONUS_ABUSE'::text, 'MARKETING_OPT_OUT'::text]))
);
-- Create index "player_restrictions_user_id_kind_by_player" to table: "player_restrictions"
CREATE UNIQUE INDEX "player_restrictions_user_id_kind_by_player" ON "player_restrictions" ("user_id", "kind", "by_player");
-- Create "refusals" table
CREATE TABLE "refusals" (
  "id" uuid NOT NULL,
  "promotion_id" uuid NOT NULL,
  "action" text NOT NULL,
  "created_at" timestamptz NOT NULL,
  "user_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "refusals_action" CHECK (action = ANY (ARRAY['ASSIGN'::text, 'JOB'::text, 'REDEEM'::text, 'CLAIM'::text]))
);
-- Create index "refusals_user_id_id" to table: "refusals"
CREATE INDEX "refusals_user_id_id" ON "refusals" ("user_id", "id");
