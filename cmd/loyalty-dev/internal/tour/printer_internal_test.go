package tour

import (
	"strings"
	"testing"
	"time"
)

func TestPrinterHidesSecrets(t *testing.T) {
	var b strings.Builder
	p := &printer{out: &b}
	p.request("Anna", "POST", "/login", []byte(`{"email":"a@example.com","password":"very-secret"}`))
	p.answer("200 OK", time.Millisecond, []byte(`{"accessToken":"abcdefghijklmnopqrstuvwxyz","refreshToken": "ABCDEFGHIJKLMNOP"}`), true)
	const want = `    Anna -> POST /login
       {
         "email": "a@example.com",
         "password": "********"
       }
    <- 200 OK (1 ms)
       {
         "accessToken": "abcdefghijkl...",
         "refreshToken": "ABCDEFGHIJKL..."
       }
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPrinterIndentsTextThatIsNotJSON(t *testing.T) {
	var b strings.Builder
	p := &printer{out: &b, colour: true}
	p.answer("502 Bad Gateway", 0, []byte("<html>\n</html>\n"), false)
	p.answer("204 No Content", 0, nil, true)
	if got := b.String(); !strings.Contains(got, "       <html>\n       </html>\n") || strings.Count(got, "\n") != 4 {
		t.Errorf("got %q, want the indented HTML in four lines", got)
	}
}
