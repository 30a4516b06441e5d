package verify_test

import (
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/services/users"
)

// TestDamagedLedger damages rows of the ledger with SQL. The output must name each damaged row, and no other row.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	const noTriggers = "SET session_replication_role = replica; "
	const mismatch = "the MAC does not match"
	swap := func(a, b string) string {
		return "UPDATE transactions SET seq = -1 WHERE seq = " + a + "; UPDATE transactions SET seq = " + a + " WHERE seq = " + b +
			"; UPDATE transactions SET seq = " + b + " WHERE seq = -1"
	}
	insert := func(mac string) string {
		return `INSERT INTO transactions (id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key,
				content_hash, mac)
			SELECT '` + event + `', user_id, 'CREDIT', 1, balance_after + 1, '', now(), 5, 'x', '', ` + mac + ` FROM transactions WHERE seq = 4;
			UPDATE users SET balance = balance + 1, entries = 5, ledger_head = ` + mac + ` WHERE id = '` + player + "'"
	}
	of := " of user " + player + ", number "
	for name, tt := range map[string]struct {
		sql  string
		want func(tx []string) []string // parts of the violations, one each
	}{
		"edited amount": {"UPDATE transactions SET amount = 6 WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited amount and balances": {"UPDATE transactions SET amount = 7, balance_after = 13 WHERE seq = 2;" +
			"UPDATE transactions SET balance_after = balance_after - 2 WHERE seq > 2;" +
			"UPDATE users SET balance = balance - 2 WHERE entries > 0",
			func(tx []string) []string {
				return []string{tx[1] + of + "2: " + mismatch, tx[2] + of + "3: " + mismatch, tx[3] + of + "4: " + mismatch}
			}},
		"edited balance_after": {"UPDATE transactions SET balance_after = 14 WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited type": {"UPDATE transactions SET type = 'CREDIT' WHERE seq = 2",
			func(tx []string) []string { return []string{tx[1] + of + "2: " + mismatch} }},
		"edited description": {"UPDATE transactions SET description = 'gift' WHERE seq = 3",
			func(tx []string) []string { return []string{tx[2] + of + "3: " + mismatch} }},
		"edited additional data": {`UPDATE transactions SET additional_data = jsonb_set(additional_data, '{a,n}', '1e20') WHERE seq = 3`,
			func(tx []string) []string { return []string{tx[2] + of + "3: " + mismatch} }},
		"edited time": {"UPDATE transactions SET created_at = created_at - interval '1 microsecond' WHERE seq = 4",
			func(tx []string) []string { return []string{tx[3] + of + "4: " + mismatch} }},
		"edited MAC": {"UPDATE transactions SET mac = 'AAAA' || substr(mac, 5) WHERE seq = 4; UPDATE users SET ledger_head = 'AAAA' || substr(ledger_head, 5) WHERE entries > 0",
			func(tx []string) []string { return []string{tx[3] + of + "4: no key of LOYALTY_LEDGER_KEY"} }},
		"removed row in the middle": {"DELETE FROM transactions WHERE seq = 2",
			func(tx []string) []string {
				return []string{tx[2] + of + "3: the transaction with the number 2 before it is missing"}
			}},
		"removed last row": {"DELETE FROM transactions WHERE seq = 4", func([]string) []string {
			return []string{"user " + player + ": balance is 17.00, but the last transaction says 18.00; entries is 4, but the last " +
				"transaction has the number 3; ledger_head is not the MAC of the last transaction"}
		}},
		"inserted row": {insert("(SELECT mac FROM transactions WHERE seq = 4)"),
			func([]string) []string { return []string{event + of + "5: " + mismatch} }},
		"inserted row with a forged MAC": {insert("'forged'"),
			func([]string) []string { return []string{event + of + "5: no key of LOYALTY_LEDGER_KEY"} }},
		"swapped order": {swap("2", "3"),
			func(tx []string) []string {
				return []string{tx[2] + of + "2: " + mismatch, tx[1] + of + "3: " + mismatch}
			}},
		"swapped order of the last rows": {swap("3", "4"),
			func(tx []string) []string {
				return []string{tx[3] + of + "3: " + mismatch, tx[2] + of + "4: " + mismatch}
			}},
		"wrong balance": {"UPDATE users SET balance = 16 WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": balance is 16.00, but the last transaction says 17.00\n"}
			}},
		"balance without transactions": {"UPDATE users SET balance = 5 WHERE id = '" + other + "'",
			func([]string) []string {
				return []string{"user " + other + ": balance is 5.00, but the last transaction says 0.00\n"}
			}},
		"removed player": {"DELETE FROM users WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{
					"user " + player + " has transactions but does not exist\n",
					"promotions has the player " + player + ", whom users does not have\n",
				}
			}},
		"wrong entries": {"UPDATE users SET entries = 3 WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": entries is 3, but the last transaction has the number 4\n"}
			}},
		"wrong head": {"UPDATE users SET ledger_head = '' WHERE id = '" + player + "'",
			func([]string) []string {
				return []string{"user " + player + ": ledger_head is not the MAC of the last transaction\n"}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.exec(t, p.users, noTriggers+tt.sql)
			n, out := p.verify(t)
			want := tt.want(p.transactions)
			for _, text := range want {
				if !strings.Contains(out, "VIOLATION ledger: ") || !strings.Contains(out, text) {
					t.Errorf("the output does not contain %q", text)
				}
			}
			if n != len(want) || t.Failed() {
				t.Errorf("got %d violations, want %d:\n%s", n, len(want), out)
			}
		})
	}
}

func TestRotatedLedgerKey(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	next := newKey(t)
	p.add(t, next, users.Entry{Type: users.TransactionTypeCredit, Amount: 1})
	p.keys = ledgerchain.Keys{next, p.keys[0]}
	if n, out := p.verify(t); n != 0 {
		t.Errorf("with both keys: got %d violations, want none:\n%s", n, out)
	}
	p.keys = p.keys[:1]
	if n, out := p.verify(t); n != 4 || !strings.Contains(out, p.transactions[0]) || strings.Contains(out, p.transactions[4]) {
		t.Errorf("without the previous key: got %d violations, want one for each of its 4 transactions:\n%s", n, out)
	}
}
