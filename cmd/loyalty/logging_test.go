package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/config"
)

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ setting, want string }{
		"default": {"LOYALTY_OTHER=", `"msg":"done","took":"1.5s"`},
		"JSON":    {"LOYALTY_LOG_FORMAT=json", `"msg":"done","took":"1.5s"`},
		"text":    {"LOYALTY_LOG_FORMAT=text", "msg=done took=1.5s"},
	} {
		s, err := config.From[logSettings]([]string{tt.setting})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		log := s.logger(&out)
		log.Info("done", "took", 1500*time.Millisecond)
		log.Debug("not shown")
		if !strings.Contains(out.String(), tt.want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: logged %q, want one line with %q", name, out.String(), tt.want)
		}
	}
	if _, err := config.From[logSettings]([]string{"LOYALTY_LOG_FORMAT=xml"}); err == nil ||
		!strings.Contains(err.Error(), "LOYALTY_LOG_FORMAT must be one of json, text") {
		t.Errorf("error %v, want the accepted formats", err)
	}
}
