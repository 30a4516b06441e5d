package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event/kafka"
	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// operator is the Kafka user of commands, without the prefix.
const operator = "operator"

// kafkaUser returns the Kafka user of a service or of the operator, as in deploy/kafka.
func kafkaUser(name string) string { return "loyalty-" + name }

func kafkaPassword(name string) string { return name + "-secret" }

// kafkaCredentials returns the settings with the Kafka user of a service or of the operator.
func kafkaCredentials(name string) []string {
	return []string{"LOYALTY_KAFKA_USERNAME=" + kafkaUser(name), "LOYALTY_KAFKA_PASSWORD=" + kafkaPassword(name)}
}

// createKafkaUsers creates the users of the services and of the operator, with the permissions of deploy/kafka. Services of the
// last release may create topics until forbidCreate is called: they request this at their start even if the topics exist.
func (s *stack) createKafkaUsers() {
	s.t.Helper()
	passwords := map[string]string{kafkaUser(operator): kafkaPassword(operator)}
	var users []string
	for _, service := range services {
		passwords[kafkaUser(service)] = kafkaPassword(service)
		users = append(users, kafkaUser(service))
	}
	s.kafka.Permit(s.t, filepath.Join(repository, "deploy", "kafka", "acls.sh"), passwords)
	if s.program != "" {
		s.forbidCreate = s.kafka.PermitCreate(s.t, users...)
	}
	s.connectKafka(kafka.Config{
		Brokers: s.kafka.Brokers(), Username: kafkaUser(operator), Password: kafkaPassword(operator),
	})
}

// createTopics runs the command loyalty events topics as the operator.
func (s *stack) createTopics() {
	s.t.Helper()
	command := exec.Command(cmp.Or(s.program, programs.loyalty), "events", "topics", "--settings", s.settings)
	command.Env = os.Environ()
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Fatalf("loyalty events topics: %v\n%s", err, out)
	}
}

// kafkaUsers checks that the brokers refuse connections without a user, and requests that the user of a service may not make.
func (s *stack) kafkaUsers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	open := func(options ...kgo.Opt) *kgo.Client {
		client, err := kgo.NewClient(append(options, kgo.SeedBrokers(s.kafka.Brokers()...), kgo.RequestRetries(0))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	if err := open().Ping(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ping without a user returned %v, want an error of the broker", err)
	}
	wrong := open(kgo.SASL(kafkacluster.Mechanism(kafkaUser("notifications"), "wrong")))
	if err := wrong.Ping(ctx); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("Ping with a wrong password returned %v, want %v", err, kerr.SaslAuthenticationFailed)
	}
	for _, service := range services {
		client := open(kgo.SASL(kafkacluster.Mechanism(kafkaUser(service), kafkaPassword(service))))
		topic := map[string]string{"users": "notifications", "promotions": "players", "notifications": "notifications"}[service]
		err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr()
		if !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Errorf("%s wrote to %s: %v, want %v", kafkaUser(service), topic, err, kerr.TopicAuthorizationFailed)
		}
		eventually(t, service+" cannot create topics", func() error { // the controller applies forbidCreate later
			validated, err := kadm.NewClient(client).ValidateCreateTopics(ctx, 1, 1, nil, "new")
			if err = errors.Join(err, validated.Error()); !errors.Is(err, kerr.TopicAuthorizationFailed) {
				return errors.Join(errors.New("the request was not refused"), err)
			}
			return nil
		})
	}
	s.wrongUser(t)
}

// wrongUser starts a replica of notifications with the user of users. Its log must name the refused user and the place of the
// permissions.
func (s *stack) wrongUser(t *testing.T) {
	name := replica("notifications", len(hosts()))
	s.launchAt(name, testproc.FreeAddress(t), kafkaCredentials("users")...)
	defer func() {
		s.kill(name)
		delete(s.listen, name)
		delete(s.environ, name)
	}()
	eventually(t, "the replica with the wrong user is refused", func() error {
		output := s.processes[name].Output()
		for _, text := range []string{kafkaUser("users"), "deploy/kafka/acls.sh", "AUTHORIZATION_FAILED"} {
			if !strings.Contains(output, text) {
				return fmt.Errorf("no %q in\n%s", text, tail(output))
			}
		}
		return nil
	})
}
