package rpcserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
)

// uploadOf returns the option upload of a method, or nil.
func uploadOf(md protoreflect.MethodDescriptor) *optionsv1.Upload {
	option, _ := proto.GetExtension(md.Options(), optionsv1.E_Upload).(*optionsv1.Upload)
	return option
}

// upload is the body of a REST request to a method with the option upload. The use case reads it, so that it is never in
// memory as a whole. Only the goroutine of the request uses it.
type upload struct {
	body    io.Reader
	control *http.ResponseController
	limit   int64
	left    int64
	sum     hash.Hash
	// end is called with the hash of the body at its end, if it is not nil.
	end func(sum []byte)
}

func newUpload(w http.ResponseWriter, r *http.Request, limit int64) (*upload, *apperr.Error) {
	if r.ContentLength > limit {
		return nil, tooLarge(int(limit))
	}
	return &upload{body: r.Body, control: http.NewResponseController(w), limit: limit, left: limit, sum: sha256.New()}, nil
}

// Read reads a part of the body, which must arrive within limits.UploadPause. It returns PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT,
// or VALIDATION_FAILED if the body is incomplete.
func (u *upload) Read(p []byte) (int, error) {
	now := time.Now()
	_ = u.control.SetReadDeadline(now.Add(limits.UploadPause)) // a ResponseRecorder has no deadlines
	_ = u.control.SetWriteDeadline(now.Add(limits.UploadPause + limits.Call))
	n, err := u.body.Read(p)
	_, _ = u.sum.Write(p[:n])
	u.left -= int64(n)
	switch {
	case u.left < 0:
		return 0, tooLarge(int(u.limit))
	case errors.Is(err, io.EOF):
		_ = u.control.SetReadDeadline(time.Time{}) // otherwise it would cancel the context
		if u.end != nil {
			u.end(u.sum.Sum(nil))
			u.end = nil
		}
		return n, io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, apperr.New(apperr.RequestTimeout, "no part of the body arrived within %v", limits.UploadPause)
	case err != nil:
		return n, apperr.Invalid("", "body", "the body could not be read to its end").WithCause(err)
	}
	return n, nil
}

type uploadKey struct{}

// Upload returns the body of a REST request to a method with the option upload. It returns nil for other requests: the field
// of the request then has the data.
func Upload(ctx context.Context) io.Reader {
	if u := uploadFrom(ctx); u != nil {
		return u
	}
	return nil
}

func uploadFrom(ctx context.Context) *upload {
	u, _ := ctx.Value(uploadKey{}).(*upload)
	return u
}

// handleUpload returns the handler of the REST route of a method with the option upload. It does what handleRoute does, but
// does not read the body.
func (s *Server) handleUpload(m *method, rt *route, service http.Handler) http.Handler {
	problem := func(w http.ResponseWriter, r *http.Request, e *apperr.Error) { WriteProblem(w, r, e) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := requestInfoFrom(r.Context())
		info.route = rt
		ctx, refused := s.admit(r, m)
		if refused == nil && r.ContentLength != 0 && !rt.acceptsMedia(r.Header) {
			refused = rt.unsupportedMedia(w)
		}
		var u *upload
		if refused == nil {
			u, refused = newUpload(w, r, rt.upload.GetMaxBytes())
		}
		if refused != nil {
			turnAway(w, r, refused, problem)
			return
		}
		info.url = r.URL
		rw := &restWriter{w: w, route: rt, info: info}
		service.ServeHTTP(rw, connectRequest(context.WithValue(ctx, uploadKey{}, u), r, m.procedure, nameREST))
		rw.finish(r)
	})
}
