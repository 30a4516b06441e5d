package tour

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// The terminal colours, as SGR parameters.
const (
	bold, green, red, blue, grey = "1", "32", "31", "34", "90"
)

// printer prints the tour.
type printer struct {
	out    io.Writer
	colour bool
	// stepNumber and stepTitle describe the current step.
	stepNumber int
	stepTitle  string
}

func (p *printer) chapter(title string) {
	p.printf("\n%s\n", p.paint(bold, "== "+title+" =="))
}

// step prints the title of the next step.
func (p *printer) step(title string) {
	p.stepNumber++
	p.stepTitle = title
	p.printf("\n%s\n", p.paint(bold, fmt.Sprintf("%2d. %s", p.stepNumber, title)))
}

func (p *printer) request(caller, method, path string, body []byte) {
	p.printf("    %s %s %s\n%s", p.paint(grey, caller+" ->"), p.paint(blue, method), path, indent(body))
}

func (p *printer) answer(status string, took time.Duration, body []byte, good bool) {
	colour := green
	if !good {
		colour = red
	}
	p.printf("    %s %s %s\n%s", p.paint(grey, "<-"), p.paint(colour, status),
		p.paint(grey, fmt.Sprintf("(%d ms)", took.Milliseconds())), indent(body))
}

// frame prints a frame that a socket received.
func (p *printer) frame(socket string, message []byte) {
	p.printf("    %s\n%s", p.paint(green, "<= frame on "+socket), indent(message))
}

// closed prints that the platform closed a socket.
func (p *printer) closed(socket string, code int, reason string) {
	p.printf("    %s %d %s\n", p.paint(green, "<= close on "+socket), code, reason)
}

func (p *printer) remark(text string) {
	p.printf("    %s\n", p.paint(grey, text))
}

func (p *printer) end(text string) {
	p.printf("\n%s\n", p.paint(green, text))
}

func (p *printer) printf(format string, args ...any) {
	fmt.Fprintf(p.out, format, args...)
}

func (p *printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// tokens and passwords match secrets in JSON. The tour prints only the beginning of a token, and no part of a password.
var (
	tokens    = regexp.MustCompile(`("(?:accessToken|refreshToken)": *"[^"]{12})[^"]*"`)
	passwords = regexp.MustCompile(`("(?:password|secret)": *")[^"]*"`)
)

// indent formats JSON over several lines and hides secrets. If body is not JSON, it only indents the lines.
func indent(body []byte) string {
	const margin = "       "
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, body, margin, "  "); err != nil {
		return margin + strings.ReplaceAll(string(body), "\n", "\n"+margin) + "\n"
	}
	text := tokens.ReplaceAllString(b.String(), `$1..."`)
	return margin + passwords.ReplaceAllString(text, `$1********"`) + "\n"
}
