-- atlas:nolint

-- No release uses the foreign key. "transactions_change_balance" checks that the player of each new entry exists, so the
-- foreign key did the same work a second time, for each entry. The new triggers of "users" keep players that have entries.
-- Modify "transactions" table
ALTER TABLE "transactions" DROP CONSTRAINT "transactions_user_id_fkey";

-- Each new entry must continue the ledger of an existing player: with the next number, and with the balance of the player
-- after the entry. The first statement writes the first new entry of each player. Usually there is no other. The second
-- statement writes the last entry of each player who has more, and checks the entries before it.
-- The function runs with the rights of the owner, so that services need no right to change balances.
CREATE OR REPLACE FUNCTION "transactions_change_balance"() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  written bigint;
  rest bigint;
BEGIN
  UPDATE users u SET balance = e.balance_after, entries = e.seq, ledger_head = e.mac
  FROM new_rows e
  WHERE u.id = e.user_id AND u.role = 'PLAYER' AND u.entries = e.seq - 1
    AND u.balance + CASE e.type WHEN 'CREDIT' THEN e.amount ELSE -e.amount END = e.balance_after;
  GET DIAGNOSTICS written = ROW_COUNT;
  rest := (SELECT count(*) FROM new_rows) - written;
  IF rest > 0 THEN
    WITH continued AS (
      UPDATE users u SET balance = e.balance, entries = e.last, ledger_head = e.head
      FROM (
        SELECT user_id, min(seq) AS first, max(seq) AS last, count(*) AS n,
          bool_and(balance_after - change = before) AS correct,
          (array_agg(balance_after ORDER BY seq DESC))[1] AS balance, (array_agg(mac ORDER BY seq DESC))[1] AS head
        FROM (
          SELECT r.user_id, r.seq, r.mac, r.balance_after, r.change,
            COALESCE(lag(r.balance_after) OVER w, p.balance) AS before
          FROM (SELECT *, CASE type WHEN 'CREDIT' THEN amount ELSE -amount END AS change FROM new_rows) r
          JOIN users p ON p.id = r.user_id AND r.seq > p.entries
          WINDOW w AS (PARTITION BY r.user_id ORDER BY r.seq)
        ) r GROUP BY user_id
      ) e
      WHERE u.id = e.user_id AND u.role = 'PLAYER' AND u.entries = e.first - 1 AND e.last - e.first = e.n - 1 AND e.correct
      RETURNING e.n
    )
    SELECT rest - COALESCE(sum(n), 0) INTO rest FROM continued;
    IF rest <> 0 THEN
      RAISE EXCEPTION 'a transaction does not continue the ledger of its user'
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
  END IF;
  RETURN NULL;
END
$$;

-- A player with entries keeps the row and the id.
CREATE FUNCTION "users_with_entries"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the ledger refers to users', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'users_with_entries', TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER "users_with_entries_update" BEFORE UPDATE OF "id" ON "users" FOR EACH ROW
  WHEN (OLD.entries > 0 AND NEW.id <> OLD.id) EXECUTE FUNCTION "users_with_entries"();
CREATE TRIGGER "users_with_entries_delete" BEFORE DELETE ON "users" FOR EACH ROW
  WHEN (OLD.entries > 0) EXECUTE FUNCTION "users_with_entries"();
CREATE TRIGGER "users_with_entries_truncate" BEFORE TRUNCATE ON "users"
  FOR EACH STATEMENT EXECUTE FUNCTION "users_with_entries"();
