package e2e_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// behindNginx returns the tests that TestReplicated repeats on three replicas of each service behind Nginx, with the
// configuration of deploy/nginx. Each has the name of the test that runs the same functions on a simpler platform.
func behindNginx() []struct {
	name string
	run  func(t *testing.T, s *stack)
} {
	return []struct {
		name string
		run  func(t *testing.T, s *stack)
	}{
		{"TestTraces", storedTraces},
		{"TestAnomalies", func(t *testing.T, s *stack) { findAnomalies(t, s.cluster) }}, // before tests that cause other anomalies
		{"TestScenarios", func(t *testing.T, s *stack) {
			for name, run := range scenarios {
				t.Run(name, func(t *testing.T) { run(t, s.platform) })
			}
			s.endWelcomeBonuses()
		}},
		{"TestAPI", func(t *testing.T, s *stack) { api(t, s.platform) }},
		{"TestMetrics", func(t *testing.T, s *stack) { checkPrivate(t, s.cluster) }}, // the rest counts the requests of one process
		{"TestKilledUsersReplicaLosesNoClaim", func(t *testing.T, s *stack) { usersReplicaKilled(t, s.cluster) }},
		{"TestFaults", func(t *testing.T, s *stack) {
			for _, f := range faults {
				if f.notReplicated == "" {
					t.Run(f.name, func(t *testing.T) { f.run(t, s.cluster) })
				}
			}
		}},
	}
}

// notBehindNginx returns the other tests, with the reason why they do not run behind Nginx.
func notBehindNginx() map[string]string {
	return map[string]string{
		"TestAudit":                         "it expects the entries of a new platform",
		"TestBackup":                        "it tests commands and restores the databases of a platform into another one",
		"TestDemo":                          "it tests a flag of loyalty-dev",
		"TestKillDuringClaims":              "it kills loyalty-dev; the faults of TestReplicated kill each process behind Nginx",
		"TestKillDuringClaimsOfTheLastUnit": "it calls the replicas themselves, so that it kills one of those that claim",
		"TestMigrationKilled":               "it sends no request",
		"TestPanelsAndAlerts":               "it tests queries on metrics, and Nginx has none",
		"TestRepeatAfterKill":               "it kills promotions before and after an answer is stored; Nginx would repeat the call on another replica",
		"TestReplicated":                    "it starts Nginx",
		"TestRequiredSecondFactor":          "it needs another setting",
		"TestRoutesMatchTheSchema":          "it sends no request",
		"TestSecondFactor":                  "it gives the only admin a second factor, which the other tests do not have",
		"TestServicesAreNotReadyWithoutTheirDependencies": "it calls the services themselves; test/nginx tests Nginx in front of services that are not ready",
		"TestServicesExitOnWrongSettings":                 "it sends no request",
		"TestServicesWaitForTheirServers":                 "it calls the services themselves",
		"TestTestsBehindNginx":                            "it sends no request",
	}
}

// TestTestsBehindNginx checks that each test of this package runs behind Nginx, or that there is a reason why it does not.
func TestTestsBehindNginx(t *testing.T) {
	t.Parallel()
	listed := slices.Collect(maps.Keys(notBehindNginx()))
	for _, tt := range behindNginx() {
		listed = append(listed, tt.name)
	}
	slices.Sort(listed)
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
				tests = append(tests, f.Name.Name)
			}
		}
	}
	slices.Sort(tests)
	if !slices.Equal(listed, tests) {
		t.Errorf("behindNginx and notBehindNginx list %v; the tests of the package are %v", listed, tests)
	}
}
