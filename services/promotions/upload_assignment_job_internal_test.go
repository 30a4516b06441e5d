package promotions

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"
)

// chunkStore collects the chunks of an upload.
type chunkStore struct {
	JobStore
	chunks []JobChunk
}

func (s *chunkStore) AddChunk(_ context.Context, _ uuid.UUID, c JobChunk) error {
	c.Lines = bytes.Clone(c.Lines)
	s.chunks = append(s.chunks, c)
	return nil
}

// uploaded returns the players of all lines of an upload.
func uploaded(t *testing.T, text string) ([]JobPlayer, []JobChunk, int32) {
	t.Helper()
	store := &chunkStore{}
	u := uploader{ctx: t.Context(), store: store}
	if err := u.read(iotest.OneByteReader(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	chunks := slices.Concat(store.chunks, []JobChunk{u.chunk})
	var players []JobPlayer
	for _, c := range chunks {
		players = append(players, c.players()...)
	}
	return players, chunks, u.total
}

func TestUploadedLines(t *testing.T) {
	t.Parallel()
	const id = "019a0000-0000-7000-8000-000000000001"
	long := strings.Repeat("x", 100_000)
	for name, tt := range map[string]struct {
		text string
		want []JobPlayer
	}{
		"nothing":       {"", nil},
		"only a header": {"email\n\n", nil},
		"ids": {id + "\n" + strings.ToUpper(id), []JobPlayer{
			{Line: 1, Given: id, ID: uuid.MustParse(id)}, {Line: 2, Given: strings.ToUpper(id), ID: uuid.MustParse(id)},
		}},
		"header, mark, empty lines": {"\ufeff\r\nplayer_id\r\n\r\n" + id + "\r\n", []JobPlayer{{Line: 4, Given: id, ID: uuid.MustParse(id)}}},
		"quoted header":             {"\"Email\"\n\"a@example.com\"\n", []JobPlayer{{Line: 2, Given: "a@example.com", Email: true}}},
		"e-mails":                   {" A@Example.com \nü@example.com", []JobPlayer{{Line: 1, Given: "A@Example.com", Email: true}, {Line: 2, Given: "ü@example.com", Email: true}}},
		"malformed": {"x\nplayer_id\n" + id + ",1\na@b@c\n@b\n" + uuid.Nil.String() + "\n\xff@b\n{" + id + "}", []JobPlayer{
			{Line: 1, Given: "x", Malformed: true}, {Line: 2, Given: "player_id", Malformed: true}, {Line: 3, Given: id + ",1", Malformed: true},
			{Line: 4, Given: "a@b@c", Malformed: true}, {Line: 5, Given: "@b", Malformed: true}, {Line: 6, Given: uuid.Nil.String(), Malformed: true},
			{Line: 7, Given: `\xff@b`, Malformed: true}, {Line: 8, Given: "{" + id + "}", Malformed: true},
		}},
		"too long": {long + "\n" + id, []JobPlayer{{Line: 1, Given: long[:64] + "…", Malformed: true}, {Line: 2, Given: id, ID: uuid.MustParse(id)}}},
	} {
		got, _, total := uploaded(t, tt.text)
		if int(total) != len(tt.want) || len(got) != len(tt.want) {
			t.Errorf("%s: got %d players and the total %d, want %d", name, len(got), total, len(tt.want))
			continue
		}
		for i := range tt.want {
			if got[i] != tt.want[i] {
				t.Errorf("%s: got %+v, want %+v", name, got[i], tt.want[i])
			}
		}
	}
}

func TestUploadIsCutIntoChunks(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"short lines": "x", "long lines": strings.Repeat("a", 200) + "@example.com"} {
		const lines = 2500
		players, chunks, total := uploaded(t, strings.Repeat(line+"\n", lines))
		if len(players) != lines || total != lines || len(chunks) < 3 {
			t.Errorf("%s: got %d players in %d chunks, and the total %d, want %d", name, len(players), len(chunks), total, lines)
		}
		for i, p := range players {
			if int(p.Line) != i+1 {
				t.Fatalf("%s: the player %d has the line %d", name, i, p.Line)
			}
		}
		for i, c := range chunks {
			if int(c.Number) != i || len(c.Lines) > maxChunk || bytes.Count(c.Lines, []byte("\n")) > chunkLines {
				t.Errorf("%s: chunk %d has the number %d, %d bytes and too many lines", name, i, c.Number, len(c.Lines))
			}
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{"", "a@b", "\"019a0000-0000-7000-8000-000000000001\"", "\xff", " , "} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, ok := parseLine(line)
		if kinds := map[bool]int{true: 1}; ok && kinds[p.Email]+kinds[p.Malformed]+kinds[p.ID != uuid.Nil] != 1 {
			t.Errorf("%q is not exactly one of id, e-mail and malformed: %+v", line, p)
		}
		if !ok && p != (JobPlayer{}) || ok && p.Given == "" {
			t.Errorf("%q: got %+v, %t", line, p, ok)
		}
	})
}
