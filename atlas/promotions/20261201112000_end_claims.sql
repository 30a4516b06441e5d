-- A reservation counts the claims that share it, and ends soon.
UPDATE "claim_reservations" SET "reserved_at" = now(), "not_after" = now() + interval '1 minute'
WHERE NOT isfinite("reserved_at") OR NOT isfinite("not_after") OR "not_after" > "reserved_at" + interval '5 minutes';
ALTER TABLE "claim_reservations" ADD COLUMN "started" integer NOT NULL DEFAULT 1, ADD COLUMN "ended" integer NOT NULL DEFAULT 0,
  ADD COLUMN "closed" boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT "claim_reservations_short" CHECK ((not_after <= (reserved_at + '00:05:00'::interval)) AND isfinite(reserved_at) AND isfinite(not_after)) NOT VALID,
  ADD CONSTRAINT "claim_reservations_ended_after_start" CHECK ((started >= 1) AND (ended >= 0) AND (ended <= started)) NOT VALID;
ALTER TABLE "claim_reservations" VALIDATE CONSTRAINT "claim_reservations_short";
ALTER TABLE "claim_reservations" VALIDATE CONSTRAINT "claim_reservations_ended_after_start";

-- Only the keys of paid claims are needed. Earlier releases also kept those of claims that were not paid. A claim that is being
-- paid needs its key, and takes less than an hour. The limit bounds the time of the migration; the keys beyond it are harmless.
DELETE FROM "claim_keys" WHERE "id" IN (
  SELECT k.id FROM "claim_keys" k
  WHERE k.created_at < now() - interval '1 hour'
    AND NOT EXISTS (SELECT FROM "player_promotions" a
      WHERE a.user_id = k.user_id AND a.promotion_id = k.promotion_id AND a.claimed)
    AND NOT EXISTS (SELECT FROM "claim_reservations" r
      WHERE r.user_id = k.user_id AND r.promotion_id = k.promotion_id)
  ORDER BY k.id LIMIT 1000000
);
