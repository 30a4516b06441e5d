package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine of a run.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	OS         string `json:"os"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	// The other servers; empty if no row needed them.
	Kafka string `json:"kafka,omitempty"`
	Redis string `json:"redis,omitempty"`
	Nginx string `json:"nginx,omitempty"`
	// LoadBefore is the one-minute load average before the first row.
	LoadBefore string `json:"loadBefore,omitempty"`
}

func thisMachine(postgreSQL string) Machine {
	return Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), PostgreSQL: postgreSQL, LoadBefore: loadAverage(),
	}
}

func (m Machine) String() string {
	text := fmt.Sprintf("%s, %d cores, %s, %s, PostgreSQL %s", m.CPU, m.Cores, m.OS, m.Go, m.PostgreSQL)
	if m.Kafka != "" {
		text += fmt.Sprintf(", Kafka %s, Redis %s, Nginx %s", m.Kafka, m.Redis, m.Nginx)
	}
	return text
}

// cpuModel returns the CPU model that /proc/cpuinfo names, or "unknown CPU".
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
