-- The database counts the assignments of each promotion, so that the counters equal the rows whoever changes the rows. The
-- table "promotion_counters" has a row for each promotion, and "promotion_days" one for each day on which something changed.
-- Services can read both tables, but not change them: the functions run with the rights of the owner.

CREATE FUNCTION "promotions_counter"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO promotion_counters (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER "promotions_counter" AFTER INSERT ON "promotions" FOR EACH ROW EXECUTE FUNCTION "promotions_counter"();

-- Adds changes, one per promotion and day, to the counters. The counters of promotions are locked in the order of the
-- promotions' ids, before the days.
CREATE FUNCTION "count_assignments"(promotions uuid[], days date[], assigned bigint[], claimed bigint[], expired bigint[],
  revoked bigint[], costs numeric[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM FROM promotion_counters c WHERE c.id = ANY (promotions) ORDER BY c.id FOR NO KEY UPDATE;
  UPDATE promotion_counters c SET assigned = c.assigned + e.assigned, claimed = c.claimed + e.claimed,
    expired = c.expired + e.expired, revoked = c.revoked + e.revoked, spent = c.spent + e.cost
  FROM (
    SELECT e.promotion_id, sum(e.assigned) AS assigned, sum(e.claimed) AS claimed, sum(e.expired) AS expired,
      sum(e.revoked) AS revoked, sum(e.cost) AS cost
    FROM unnest(promotions, assigned, claimed, expired, revoked, costs)
      AS e (promotion_id, assigned, claimed, expired, revoked, cost) GROUP BY e.promotion_id
  ) e WHERE c.id = e.promotion_id;
  INSERT INTO promotion_days AS d (promotion_id, day, assigned, claimed, expired, revoked, cost)
  SELECT * FROM unnest(promotions, days, assigned, claimed, expired, revoked, costs)
    AS e (promotion_id, day, assigned, claimed, expired, revoked, cost) ORDER BY e.promotion_id, e.day
  ON CONFLICT (promotion_id, day) DO UPDATE SET assigned = d.assigned + excluded.assigned,
    claimed = d.claimed + excluded.claimed, expired = d.expired + excluded.expired, revoked = d.revoked + excluded.revoked,
    cost = d.cost + excluded.cost;
END
$$;
REVOKE ALL ON FUNCTION "count_assignments" FROM PUBLIC;

-- Returns what an assignment adds to the counters of the day on which it entered its state: claimed, else revoked, else
-- expired, else none of them.
CREATE FUNCTION "assignment_counts"(claimed_at timestamptz, revoked_at timestamptz, expired_at timestamptz, amount numeric)
  RETURNS TABLE (at timestamptz, claimed bigint, expired bigint, revoked bigint, cost numeric) LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE($1, $2, $3), ($1 IS NOT NULL)::int::bigint, ($1 IS NULL AND $2 IS NULL AND $3 IS NOT NULL)::int::bigint,
    ($1 IS NULL AND $2 IS NOT NULL)::int::bigint, CASE WHEN $1 IS NOT NULL THEN $4 ELSE 0 END
$$;

CREATE FUNCTION "player_promotions_inserted"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_assignments(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.assigned), array_agg(e.claimed),
    array_agg(e.expired), array_agg(e.revoked), array_agg(e.cost))
  FROM (
    SELECT e.promotion_id, (e.at AT TIME ZONE 'UTC')::date AS day, sum(e.assigned)::bigint AS assigned,
      sum(e.claimed)::bigint AS claimed, sum(e.expired)::bigint AS expired, sum(e.revoked)::bigint AS revoked,
      sum(e.cost) AS cost
    FROM (
      SELECT n.promotion_id, n.created_at AS at, n.times_assigned AS assigned, 0 AS claimed, 0 AS expired, 0 AS revoked,
        0 AS cost FROM new_rows n
      UNION ALL
      SELECT n.promotion_id, c.at, 0, c.claimed, c.expired, c.revoked, c.cost
      FROM new_rows n, assignment_counts(n.claimed_at, n.revoked_at, n.expired_at, n.amount) c WHERE c.at IS NOT NULL
    ) e GROUP BY 1, 2
  ) e
  HAVING count(*) > 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_inserted" AFTER INSERT ON "player_promotions" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "player_promotions_inserted"();

-- An assignment that leaves a state is subtracted from the day on which it entered the state. A claimed assignment needs no
-- reservation any more.
CREATE FUNCTION "player_promotions_updated"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_assignments(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.assigned), array_agg(e.claimed),
    array_agg(e.expired), array_agg(e.revoked), array_agg(e.cost))
  FROM (
    SELECT e.promotion_id, (e.at AT TIME ZONE 'UTC')::date AS day, sum(e.assigned)::bigint AS assigned,
      sum(e.claimed)::bigint AS claimed, sum(e.expired)::bigint AS expired, sum(e.revoked)::bigint AS revoked,
      sum(e.cost) AS cost
    FROM (
      SELECT t.promotion_id, max(t.created_at) AS at, sum(t.times) AS assigned, 0 AS claimed, 0 AS expired, 0 AS revoked,
        0 AS cost
      FROM (
        SELECT id, promotion_id, created_at, times_assigned AS times FROM new_rows
        UNION ALL SELECT id, promotion_id, created_at, -times_assigned FROM old_rows
      ) t GROUP BY t.id, t.promotion_id HAVING sum(t.times) <> 0
      UNION ALL
      SELECT n.promotion_id, c.at, 0, c.claimed, c.expired, c.revoked, c.cost
      FROM new_rows n, assignment_counts(n.claimed_at, n.revoked_at, n.expired_at, n.amount) c WHERE c.at IS NOT NULL
      UNION ALL
      SELECT o.promotion_id, c.at, 0, -c.claimed, -c.expired, -c.revoked, -c.cost
      FROM old_rows o, assignment_counts(o.claimed_at, o.revoked_at, o.expired_at, o.amount) c WHERE c.at IS NOT NULL
    ) e GROUP BY 1, 2
    HAVING sum(e.assigned) <> 0 OR sum(e.claimed) <> 0 OR sum(e.expired) <> 0 OR sum(e.revoked) <> 0 OR sum(e.cost) <> 0
  ) e
  HAVING count(*) > 0;
  DELETE FROM claim_reservations WHERE id = ANY (ARRAY(SELECT id FROM new_rows WHERE claimed));
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_updated" AFTER UPDATE ON "player_promotions"
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION "player_promotions_updated"();

-- Services cannot delete assignments. An operator can.
CREATE FUNCTION "player_promotions_deleted"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM count_assignments(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.assigned), array_agg(e.claimed),
    array_agg(e.expired), array_agg(e.revoked), array_agg(e.cost))
  FROM (
    SELECT e.promotion_id, (e.at AT TIME ZONE 'UTC')::date AS day, sum(e.assigned)::bigint AS assigned,
      sum(e.claimed)::bigint AS claimed, sum(e.expired)::bigint AS expired, sum(e.revoked)::bigint AS revoked,
      sum(e.cost) AS cost
    FROM (
      SELECT o.promotion_id, o.created_at AS at, -o.times_assigned AS assigned, 0 AS claimed, 0 AS expired, 0 AS revoked,
        0 AS cost FROM old_rows o
      UNION ALL
      SELECT o.promotion_id, c.at, 0, -c.claimed, -c.expired, -c.revoked, -c.cost
      FROM old_rows o, assignment_counts(o.claimed_at, o.revoked_at, o.expired_at, o.amount) c WHERE c.at IS NOT NULL
    ) e GROUP BY 1, 2
  ) e
  HAVING count(*) > 0;
  DELETE FROM claim_reservations WHERE id = ANY (ARRAY(SELECT id FROM old_rows));
  DELETE FROM assignment_deadlines WHERE id = ANY (ARRAY(SELECT id FROM old_rows));
  RETURN NULL;
END
$$;
CREATE TRIGGER "player_promotions_deleted" AFTER DELETE ON "player_promotions" REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "player_promotions_deleted"();

-- What a player was promised does not change, except when a revoked or expired assignment is made again.
CREATE FUNCTION "player_promotions_frozen"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'assignment % cannot be changed', NEW.id
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER "player_promotions_frozen" BEFORE UPDATE ON "player_promotions" FOR EACH ROW
  WHEN ((OLD.amount, OLD.title, OLD.assigned_by, OLD.created_at, OLD.expires_at, OLD.times_assigned)
      IS DISTINCT FROM (NEW.amount, NEW.title, NEW.assigned_by, NEW.created_at, NEW.expires_at, NEW.times_assigned)
    AND NOT (NOT OLD.claimed AND NOT NEW.claimed AND NEW.times_assigned = OLD.times_assigned + 1
      AND NEW.revoked_at IS NULL AND NEW.expired_at IS NULL
      AND (OLD.revoked_at IS NOT NULL OR COALESCE(OLD.expires_at <= NEW.created_at, false))))
  EXECUTE FUNCTION "player_promotions_frozen"();

-- Counts the assignments that exist. The triggers have locked both tables against changes until the end of the migration.
INSERT INTO promotion_counters (id) SELECT id FROM promotions ON CONFLICT (id) DO NOTHING;
SELECT count_assignments(array_agg(e.promotion_id), array_agg(e.day), array_agg(e.assigned), array_agg(e.claimed),
  array_agg(0::bigint), array_agg(0::bigint), array_agg(e.cost))
FROM (
  SELECT e.promotion_id, (e.at AT TIME ZONE 'UTC')::date AS day, sum(e.assigned)::bigint AS assigned,
    sum(e.claimed)::bigint AS claimed, sum(e.cost) AS cost
  FROM (
    SELECT promotion_id, created_at AS at, 1 AS assigned, 0 AS claimed, 0 AS cost FROM player_promotions
    UNION ALL
    SELECT promotion_id, claimed_at, 0, 1, amount FROM player_promotions WHERE claimed
  ) e GROUP BY 1, 2
) e
HAVING count(*) > 0;
