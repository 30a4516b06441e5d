-- A new entry of the ledger changes the balance of its user. Nothing else can change "balance", "entries" and "ledger_head".

-- Each new entry must continue the ledger of an existing player: with the next number, and with the balance of the player
-- after the entry. The function runs with the rights of the owner, so that services need no right to change balances.
CREATE FUNCTION "transactions_change_balance"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  updated bigint;
BEGIN
  UPDATE users u SET balance = u.balance + e.change, entries = e.last, ledger_head = e.head
  FROM (
    SELECT s.user_id, min(s.seq) AS first, max(s.seq) AS last, count(*) AS n, sum(s.change) AS change,
      min(s.before) AS lowest_before, max(s.before) AS highest_before,
      (array_agg(s.mac) FILTER (WHERE s.next IS NULL))[1] AS head
    FROM (
      SELECT t.user_id, t.seq, t.mac, t.change, t.balance_after - sum(t.change) OVER w AS before, lead(t.seq) OVER w AS next
      FROM (
        SELECT user_id, seq, mac, balance_after, CASE type WHEN 'CREDIT' THEN amount ELSE -amount END AS change
        FROM new_rows
      ) t WINDOW w AS (PARTITION BY t.user_id ORDER BY t.seq)
    ) s GROUP BY s.user_id
  ) e
  WHERE u.id = e.user_id AND u.role = 'PLAYER' AND u.entries = e.first - 1 AND e.last - e.first = e.n - 1
    AND u.balance = e.lowest_before AND u.balance = e.highest_before;
  GET DIAGNOSTICS updated = ROW_COUNT;
  IF updated <> (SELECT count(DISTINCT user_id) FROM new_rows) THEN
    RAISE EXCEPTION 'a transaction does not continue the ledger of its user'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER "transactions_change_balance" AFTER INSERT ON "transactions" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "transactions_change_balance"();

-- An entry that reverses another entry has the same player and amount, and the opposite type. A reversal cannot be reversed.
CREATE FUNCTION "transactions_reverse"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM FROM transactions t
    WHERE t.id = NEW.reverses AND t.user_id = NEW.user_id AND t.amount = NEW.amount AND t.type <> NEW.type
      AND t.reverses IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'transaction % is not the reversal of transaction %', NEW.id, NEW.reverses
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "transactions_reverse" BEFORE INSERT ON "transactions"
  FOR EACH ROW WHEN (NEW.reverses IS NOT NULL) EXECUTE FUNCTION "transactions_reverse"();

-- The conditions are part of the triggers, so that the ledger's updates do not call the function. pg_trigger_depth() is 1 in
-- the update by "transactions_change_balance". A trigger of another table could also change balances: services therefore need
-- UPDATE on the other columns only.
CREATE FUNCTION "users_tied_to_ledger"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'only a new transaction can change the balance of user %', NEW.id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'users_tied_to_ledger', TABLE = TG_TABLE_NAME,
      HINT = 'Correct a balance with a new entry of the ledger.';
END
$$;
CREATE TRIGGER "users_tied_to_ledger_insert" BEFORE INSERT ON "users" FOR EACH ROW
  WHEN (NEW.balance <> 0 OR NEW.entries <> 0 OR NEW.ledger_head <> '')
  EXECUTE FUNCTION "users_tied_to_ledger"();
CREATE TRIGGER "users_tied_to_ledger_update" BEFORE UPDATE ON "users" FOR EACH ROW
  WHEN (NEW.entries > 0 AND NEW.role <> 'PLAYER' OR pg_trigger_depth() = 0 AND
    (NEW.balance <> OLD.balance OR NEW.entries <> OLD.entries OR NEW.ledger_head <> OLD.ledger_head))
  EXECUTE FUNCTION "users_tied_to_ledger"();
