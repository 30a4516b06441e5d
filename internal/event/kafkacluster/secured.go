package kafkacluster

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Admin and AdminPassword are the credentials of a user of a secured cluster who may do everything.
const (
	Admin         = "admin"
	AdminPassword = "admin-secret"
)

// Mechanism returns the credentials of a user for a client.
func Mechanism(user, password string) sasl.Mechanism {
	return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
}

// securedConfig returns the settings of a secured broker, which replace earlier settings of the same name. The brokers use
// Admin, too. Controllers cannot verify SCRAM, so their listener has the mechanism PLAIN.
func securedConfig(addr string, controllerPort int) string {
	login := fmt.Sprintf("username=%q password=%q", Admin, AdminPassword)
	const module = "org.apache.kafka.common.security."
	return strings.Join([]string{
		fmt.Sprintf("listeners=CLIENT://%s,CONTROLLER://127.0.0.1:%d", addr, controllerPort),
		"advertised.listeners=CLIENT://" + addr,
		"inter.broker.listener.name=CLIENT",
		"listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
		"sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512",
		"sasl.mechanism.controller.protocol=PLAIN",
		"listener.name.client.sasl.enabled.mechanisms=SCRAM-SHA-512",
		"listener.name.client.scram-sha-512.sasl.jaas.config=" + module + "scram.ScramLoginModule required " + login + ";",
		"listener.name.controller.sasl.enabled.mechanisms=PLAIN",
		fmt.Sprintf("listener.name.controller.plain.sasl.jaas.config=%splain.PlainLoginModule required %s user_%s=%q;",
			module, login, Admin, AdminPassword),
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:" + Admin,
		"",
	}, "\n")
}
