package promotions

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// maxChunk is the size of a chunk after which the next one begins, in bytes.
const maxChunk = 64 << 10

// UploadAssignmentJob creates a job for the players whom lines name: one id or e-mail per line, after an optional header
// player_id or email. It stores the lines while it reads them, so its memory does not grow with their number. The lines
// become a job only at the end, so an interrupted upload has no effect. The audience of n is ignored. UploadAssignmentJob
// fails with VALIDATION_FAILED if there are no lines, with the errors of [Service.CreateAssignmentJob], and with those of
// lines.
func (s *Service) UploadAssignmentJob(ctx context.Context, n NewJob, lines io.Reader) (AssignmentJob, error) {
	j, err := s.newJob(n)
	if err != nil {
		return AssignmentJob{}, err
	}
	p, err := s.store.Promotion(ctx, n.Promotion)
	if err != nil {
		return AssignmentJob{}, err
	}
	if err := jobAllowed(p, j.CreatedAt); err != nil {
		return AssignmentJob{}, err
	}
	u := uploader{ctx: ctx, store: s.store, job: j.ID}
	if err := u.read(lines); err != nil {
		return AssignmentJob{}, err
	}
	if u.total == 0 {
		return AssignmentJob{}, apperr.Invalid("", "body", "the upload names no players")
	}
	j.Audience, j.Counts.Total = AudienceLines, u.total
	return s.store.CreateJob(ctx, j, []JobChunk{u.chunk}, func(p Promotion) error { return jobAllowed(p, j.CreatedAt) })
}

// uploader stores lines in chunks.
type uploader struct {
	ctx   context.Context
	store JobStore
	job   uuid.UUID
	chunk JobChunk // the last chunk, which is not stored yet
	lines int64    // in chunk
	total int32    // of the lines that are not empty
	begun bool     // a line that is not empty was read
}

// read reads all lines. It cuts a line that is too long for an id or an e-mail.
func (u *uploader) read(lines io.Reader) error {
	u.chunk.FirstLine = 1
	reader := bufio.NewReaderSize(lines, 32<<10)
	for first := true; ; first = false {
		line, err := readLine(reader)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if first {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err != nil && len(line) == 0 {
			return nil
		}
		if failed := u.add(line); failed != nil || err != nil {
			return failed
		}
	}
}

// readLine returns the next line without its line feed, and at most maxLine+1 bytes of it. The error is io.EOF after the
// last line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part[:min(len(part), max(0, maxLine+1-len(line)))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

// add adds a line. The header becomes an empty line.
func (u *uploader) add(line []byte) error {
	if p, ok := parseLine(string(line)); ok {
		header := !u.begun && (strings.EqualFold(p.Given, "player_id") || strings.EqualFold(p.Given, "email"))
		u.begun = true
		if header {
			line = nil
		} else {
			u.total++
		}
	} else {
		line = nil
	}
	if u.lines == chunkLines || len(u.chunk.Lines)+len(line) >= maxChunk {
		if err := u.store.AddChunk(u.ctx, u.job, u.chunk); err != nil {
			return err
		}
		u.chunk = JobChunk{Number: u.chunk.Number + 1, FirstLine: u.chunk.FirstLine + u.lines, Lines: u.chunk.Lines[:0]}
		u.lines = 0
	}
	u.chunk.Lines = append(append(u.chunk.Lines, line...), '\n')
	u.lines++
	return nil
}
