package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// addScript is the minimal work of a ledger in one statement: update the balance and insert the entry. Table, columns,
// indexes and ascending ids are the same as in the platform. The statement does not check the idempotency key or the
// balance, and it writes no event and no MAC. It runs without the triggers that tie balances to the ledger.
const addScript = `WITH moved AS (
	UPDATE users SET balance = balance + 0.01, entries = entries + 1
	WHERE id = ('` + playerPrefix + `' || :player)::uuid
	RETURNING id, balance, entries, lpad(to_hex(nextval('bench_ids')), 32, '0')::uuid AS tx
)
INSERT INTO transactions (id, user_id, seq, type, amount, balance_after, description, additional_data, created_at,
	idempotency_key, content_hash)
SELECT tx, id, entries, 'CREDIT', 0.01, balance, '` + description + `',
	'{"promotionId": "` + playerPrefix + `000000000000"}', now(), tx::text, '\x` + someHash + `'
FROM moved;
`

const (
	description = "Claimed ''Welcome'' promotion of type ''WELCOME_BONUS''"
	someHash    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// addByPgbench measures addScript. Each client uses its own players. If hot is true, all clients use the same player.
func (e *Env) addByPgbench(clients int, hot bool) func(context.Context, time.Duration) (float64, error) {
	player := fmt.Sprintf("%d + :client_id * %d + random(0, %d)",
		firstPlayer+ourPlayers, ourPlayers/clients, ourPlayers/clients-1)
	if hot {
		player = strconv.Itoa(firstPlayer + ourPlayers)
	}
	script := "\\set player " + player + "\n" + addScript
	return func(ctx context.Context, d time.Duration) (float64, error) {
		return withoutTriggers(ctx, e.pool, func() (float64, error) { return e.pgbench(ctx, clients, d, script) })
	}
}

// withoutTriggers runs measure with the triggers of the ledger's tables disabled.
func withoutTriggers(ctx context.Context, pool *pgxpool.Pool, measure func() (float64, error)) (value float64, err error) {
	if err := setTriggers(ctx, pool, "DISABLE"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, setTriggers(context.WithoutCancel(ctx), pool, "ENABLE")) }()
	return measure()
}

// setTriggers enables or disables the triggers of the ledger's tables.
func setTriggers(ctx context.Context, pool *pgxpool.Pool, state string) error {
	_, err := pool.Exec(ctx, "ALTER TABLE users "+state+" TRIGGER USER; ALTER TABLE transactions "+state+" TRIGGER USER")
	return err
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench is pgbenchOn with the database of the users service.
func (e *Env) pgbench(ctx context.Context, clients int, d time.Duration, script string) (float64, error) {
	return e.pgbenchOn(ctx, e.url, clients, d, script)
}

// pgbenchOn runs a script on a database for d, rounded up to whole seconds. It returns the transactions per second.
func (e *Env) pgbenchOn(ctx context.Context, database string, clients int, d time.Duration, script string) (float64, error) {
	path := filepath.Join(e.folder, "script.sql")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		return 0, err
	}
	u, err := url.Parse(database)
	if err != nil {
		return 0, errors.New("the URL of the server is malformed")
	}
	password, _ := u.User.Password()
	command := exec.CommandContext(ctx, filepath.Join(e.binDir, "pgbench"),
		"--no-vacuum", "--protocol=prepared", "--file="+path,
		"--client="+strconv.Itoa(clients), "--jobs="+strconv.Itoa(min(clients, runtime.NumCPU())),
		"--time="+strconv.Itoa(int(math.Ceil(d.Seconds()))),
		"--host="+u.Hostname(), "--port="+u.Port(), "--username="+u.User.Username(), filepath.Base(u.Path))
	command.Env = append(os.Environ(), "PGPASSWORD="+password)
	var output, errorOutput bytes.Buffer
	command.Stdout, command.Stderr = &output, &errorOutput
	if err := command.Run(); err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, errorOutput.String())
	}
	found := tps.FindSubmatch(output.Bytes())
	if found == nil {
		return 0, fmt.Errorf("pgbench printed no transaction rate:\n%s", output.String())
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
