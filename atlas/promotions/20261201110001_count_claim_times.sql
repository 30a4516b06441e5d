-- The database counts the claims of a day by the time between assignment and claim, as it counts assignments.

-- Returns the shortest time of the step of a claim, in seconds. Steps are 1 second wide below 32, and 16 steps follow for
-- each doubling.
CREATE FUNCTION "claim_seconds"(created_at timestamptz, claimed_at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT s >> k << k FROM (
    SELECT s, width_bucket(s, (
      '{32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,1048576,2097152,4194304,8388608,' ||
      '16777216,33554432,67108864,134217728,268435456,536870912,1073741824,2147483648,4294967296,8589934592}')::bigint[]) AS k
    FROM (SELECT greatest(floor(extract(epoch FROM $2 - $1)), 0)::bigint AS s) t
  ) t
$$;

CREATE FUNCTION "count_claim_times"(promotions uuid[], days date[], seconds bigint[], claims bigint[]) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO promotion_claim_times AS t (promotion_id, day, seconds, claims)
  SELECT * FROM unnest($1, $2, $3, $4) AS e (promotion_id, day, seconds, claims) ORDER BY 1, 2, 3
  ON CONFLICT (promotion_id, day, seconds) DO UPDATE SET claims = t.claims + excluded.claims
$$;
REVOKE ALL ON FUNCTION "count_claim_times" FROM PUBLIC;

-- The names of the triggers let them run after those that lock the counters of the promotions.
CREATE FUNCTION "player_promotions_inserted_times"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_claim_times(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.seconds), array_agg(e.claims))
  FROM (
    SELECT promotion_id, (claimed_at AT TIME ZONE 'UTC')::date AS day, claim_seconds(created_at, claimed_at) AS seconds,
      count(*) AS claims
    FROM new_rows WHERE claimed_at IS NOT NULL GROUP BY 1, 2, 3
  ) e
  HAVING count(*) > 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_inserted_times" AFTER INSERT ON "player_promotions" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "player_promotions_inserted_times"();

CREATE FUNCTION "player_promotions_updated_times"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_claim_times(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.seconds), array_agg(e.claims))
  FROM (
    SELECT e.promotion_id, (e.claimed_at AT TIME ZONE 'UTC')::date AS day,
      claim_seconds(e.created_at, e.claimed_at) AS seconds, sum(e.n)::bigint AS claims
    FROM (
      SELECT promotion_id, created_at, claimed_at, 1 AS n FROM new_rows WHERE claimed_at IS NOT NULL
      UNION ALL
      SELECT promotion_id, created_at, claimed_at, -1 FROM old_rows WHERE claimed_at IS NOT NULL
    ) e GROUP BY 1, 2, 3 HAVING sum(e.n) <> 0
  ) e
  HAVING count(*) > 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_updated_times" AFTER UPDATE ON "player_promotions"
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION "player_promotions_updated_times"();

CREATE FUNCTION "player_promotions_deleted_times"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_claim_times(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.seconds), array_agg(e.claims))
  FROM (
    SELECT promotion_id, (claimed_at AT TIME ZONE 'UTC')::date AS day, claim_seconds(created_at, claimed_at) AS seconds,
      -count(*) AS claims
    FROM old_rows WHERE claimed_at IS NOT NULL GROUP BY 1, 2, 3
  ) e
  HAVING count(*) > 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_deleted_times" AFTER DELETE ON "player_promotions" REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "player_promotions_deleted_times"();

-- Counts the claims that exist. The triggers have locked the table against changes until the end of the migration.
INSERT INTO promotion_claim_times (promotion_id, day, seconds, claims)
SELECT promotion_id, (claimed_at AT TIME ZONE 'UTC')::date, claim_seconds(created_at, claimed_at), count(*)
FROM player_promotions WHERE claimed_at IS NOT NULL GROUP BY 1, 2, 3;
