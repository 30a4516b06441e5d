-- atlas:txmode none

-- Sets the source of the assignments that employees made before the source was stored. It commits after each thousand rows
-- and skips rows that others have locked, so it neither delays claims nor can it deadlock with them. It ends as soon as no
-- row is left, and can be repeated. (The trigger sets the source.)
DO $$
DECLARE
  position uuid;
  ids uuid[];
BEGIN
  LOOP
    IF NOT EXISTS (SELECT FROM player_promotions WHERE source = 'REGISTRATION' AND assigned_by IS NOT NULL) THEN
      EXIT;
    END IF;
    position := '00000000-0000-0000-0000-000000000000';
    LOOP
      ids := ARRAY(SELECT id FROM player_promotions WHERE id > position ORDER BY id LIMIT 1000);
      EXIT WHEN ids = '{}';
      position := ids[cardinality(ids)];
      UPDATE player_promotions SET source = 'STAFF' WHERE id IN (
        SELECT id FROM player_promotions WHERE id = ANY (ids) AND source = 'REGISTRATION' AND assigned_by IS NOT NULL
        FOR NO KEY UPDATE SKIP LOCKED);
      COMMIT;
    END LOOP;
  END LOOP;
END
$$;
