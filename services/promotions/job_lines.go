package promotions

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/printable"
)

// JobChunk is a part of the lines of a job, which one batch processes.
type JobChunk struct {
	// Number is the number of the chunk in the job, from 0.
	Number int64
	// FirstLine is the number of the first line, from 1.
	FirstLine int64
	// Lines are the lines, each followed by a line feed.
	Lines []byte
}

// JobPlayer is a player whom a job processes.
type JobPlayer struct {
	// Line is the number of the line, from 1.
	Line int32
	// Given is the player as the line names it.
	Given string
	// ID is the player's id. It is uuid.Nil if the line does not name a player who exists.
	ID uuid.UUID
	// Email is true if the line is an e-mail.
	Email bool
	// Malformed is true if the line is neither an id nor an e-mail.
	Malformed bool
}

const (
	// chunkLines is the maximum number of lines in a chunk.
	chunkLines = 1000
	// maxLine is the maximum length of a line that can be an id or an e-mail, in bytes. Longer lines are malformed.
	maxLine = 320
	// maxMalformed is the maximum length of what is stored of a malformed line, in bytes.
	maxMalformed = 64
)

// chunksOf returns the chunks with the ids of players.
func chunksOf(players []uuid.UUID) []JobChunk {
	var chunks []JobChunk
	for first := 0; first < len(players); first += chunkLines {
		var lines bytes.Buffer
		for _, id := range players[first:min(first+chunkLines, len(players))] {
			lines.WriteString(id.String())
			lines.WriteByte('\n')
		}
		chunks = append(chunks, JobChunk{Number: int64(len(chunks)), FirstLine: int64(first + 1), Lines: lines.Bytes()})
	}
	return chunks
}

// players returns the players of the lines that are not empty. The ids of players who are given by e-mail are not set.
func (c JobChunk) players() []JobPlayer {
	var players []JobPlayer
	line := c.FirstLine
	for text := range strings.Lines(string(c.Lines)) {
		if p, ok := parseLine(text); ok {
			p.Line = int32(line)
			players = append(players, p)
		}
		line++
	}
	return players
}

// parseLine returns the player whom a line names. It returns false for an empty line. A line may have spaces or quotation
// marks around its text.
func parseLine(line string) (JobPlayer, bool) {
	text := strings.TrimSpace(line)
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		text = strings.TrimSpace(text[1 : n-1])
	}
	if text == "" {
		return JobPlayer{}, false
	}
	p := JobPlayer{Given: text}
	if id, err := uuid.Parse(text); err == nil && len(text) == len(uuid.Nil.String()) && id != uuid.Nil {
		p.ID = id
		return p, true
	}
	local, domain, ok := strings.Cut(text, "@")
	switch {
	case ok && local != "" && domain != "" && len(text) <= maxLine && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, unicode.IsControl) && !strings.ContainsAny(text, " \",;") && !strings.Contains(domain, "@"):
		p.Email = true
	default:
		p.Malformed, p.Given = true, printable.Clip(text, maxMalformed)
	}
	return p, true
}
