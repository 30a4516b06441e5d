package verify_test

import (
	"strings"
	"testing"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	const job = "01890000-0000-7000-8000-00000000aa01"
	insert := func(dry string) string {
		return `INSERT INTO assignment_jobs (id, promotion_id, state, dry_run, counts_total, counts_processed, counts_assigned,
			forecast_players, created_by, created_at, finished_at, reassign, audience, filter, worked_at)
			SELECT '` + job + `', id, 'SUCCEEDED', ` + dry + `, 1, 1, 1, 1, gen_random_uuid(), now(), now(), false, 'LINES', '', now()
			FROM promotions LIMIT 1;`
	}
	const carry = `ALTER TABLE player_promotions DISABLE TRIGGER player_promotions_frozen;
		UPDATE player_promotions SET source = 'JOB', assigned_by = gen_random_uuid(), job_id = '` + job + `' WHERE NOT claimed;`
	for name, tt := range map[string]struct{ sql, want string }{
		"assigned":          {insert("false") + carry, ""},
		"assigned again":    {insert("false") + "INSERT INTO assignment_job_replacements (job_id, assignment_id) VALUES ('" + job + "', gen_random_uuid())", ""},
		"dry run":           {insert("true"), ""},
		"lost assignment":   {insert("false"), "job " + job + " has assigned 1, but 0 assignments have its id"},
		"dry run assigned":  {insert("true") + carry, "job " + job + " has assigned 0, but 1 assignments have its id"},
		"no such job":       {carry, "job " + job + " does not exist, but 1 assignments have its id"},
		"wrong sum":         {insert("false") + carry + "UPDATE assignment_jobs SET counts_unknown = 1", "the counts of job " + job + " do not add up"},
		"schema of earlier": {"DROP TABLE assignment_job_replacements", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.exec(t, p.promotions, tt.sql)
			n, out := p.verify(t)
			if want := strings.Count(tt.want+".", "job "); n != want || !strings.Contains(out, tt.want) {
				t.Errorf("got %d violations, want %d: %s\n%s", n, want, tt.want, out)
			}
		})
	}
}
