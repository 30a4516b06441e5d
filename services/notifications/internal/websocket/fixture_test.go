package websocket_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	gorilla "github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/rueidis"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/atlas"
	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// waitTimeout is the maximum time that a test waits for a condition.
const waitTimeout = 20 * time.Second

// world contains what the replicas share: Redis, the store and the token key.
type world struct {
	redis    *redistest.Server
	admin    rueidis.Client
	pool     *pgxpool.Pool
	role     *pgxpool.Pool // with the role of the service, for the store
	store    *postgres.Store
	sessions *sessionredis.Store
	key      ed25519.PrivateKey
	keys     accesstoken.StaticKeys
	issuer   *accesstoken.Issuer
}

const issuerName, audience = "test-issuer", "test-audience"

// newWorld starts Redis and creates the database. redisArgs are additional arguments of redis-server.
func newWorld(t *testing.T, redisArgs ...string) *world {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := accesstoken.NewIssuer(private, issuerName, audience)
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, redisArgs...)
	admin := server.Open(t)
	pool, role := postgrestest.NewWithRole(t, atlas.Notifications, dbrole.Of("notifications"))
	return &world{
		redis: server, admin: admin, pool: pool, role: role, store: postgres.New(role),
		sessions: sessionredis.NewStore(admin, sessionredis.Key("key")), key: private, keys: accesstoken.NewStaticKeys(public), issuer: issuer,
	}
}

// login opens a session and returns its first access token.
func (w *world) login(t *testing.T, user uuid.UUID, role authn.Role) (token string, s session.Session) {
	t.Helper()
	s, _, err := w.sessions.Create(t.Context(), session.Session{
		User: user, Role: role, In: session.InBody, Ends: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err = w.issuer.Issue(authn.Grant{User: user, Role: role, Session: s.ID, End: s.Ends})
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

// command runs a Redis command.
func (w *world) command(t *testing.T, words ...string) {
	t.Helper()
	if err := w.admin.Do(t.Context(), w.admin.B().Arbitrary(words...).Build()).Error(); err != nil {
		t.Fatalf("%v: %v", words, err)
	}
}

// replica is one running service with its live connections.
type replica struct {
	handler http.Handler
	hub     *websocket.Hub
	service *notifications.Service
	channel *live.Channel
	url     string
	// stop shuts the replica down and waits until it has stopped; stopWithin also sets the shutdown budget of the hub.
	stop       func()
	stopWithin func(budget time.Duration)
}

// start runs a replica until the test ends. change, if not nil, changes the default configuration.
func (w *world) start(t *testing.T, change func(*websocket.Config)) *replica {
	t.Helper()
	config := websocket.DefaultConfig()
	if change != nil {
		change(&config)
	}
	client := w.redis.Open(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	sessions := sessionredis.NewStore(client)
	verifier, err := accesstoken.NewVerifier(issuerName, audience, w.keys, sessions)
	if err != nil {
		t.Fatal(err)
	}
	channel := live.New(client, log, nil)
	service := notifications.New(w.store, channel, time.Now)
	hub := websocket.NewHub(config, service, channel, sessions, log)
	handler, err := websocket.NewHandler(hub, verifier)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	hubs := lifecycle.New(context.Background())
	hubDone := make(chan error, 1)
	hubs.Go("hub", func(ctx context.Context) error {
		hubDone <- hub.Run(ctx)
		return nil
	})
	channelDone := make(chan error, 1)
	channelCtx, cancelChannel := context.WithCancel(context.Background())
	go func() { channelDone <- channel.Run(channelCtx, hub) }()
	var once sync.Once
	stopWithin := func(budget time.Duration) {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), budget)
			defer cancel()
			_ = hubs.Stop(ctx) // a loaded machine may exceed the budget; the hub must still end
			select {
			case err := <-hubDone:
				if err != nil {
					t.Errorf("hub: %v", err)
				}
			case <-time.After(waitTimeout):
				t.Error("the hub still runs after its shutdown budget")
			}
			cancelChannel()
			if err := <-channelDone; err != nil {
				t.Errorf("channel: %v", err)
			}
		})
	}
	stop := func() { stopWithin(waitTimeout) }
	t.Cleanup(stop)
	return &replica{handler: handler, hub: hub, service: service, channel: channel, url: server.URL, stop: stop, stopWithin: stopWithin}
}

// notify stores and pushes n notifications through the replica. Their titles are first, first+1, and so on.
func (r *replica) notify(t *testing.T, player uuid.UUID, first, n int) {
	t.Helper()
	for i := first; i < first+n; i++ {
		err := r.service.Notify(t.Context(), notifications.Notice{
			EventID: fmt.Sprintf("%s/%d", player, i), UserID: player, Type: "promotion",
			Content: map[string]any{"title": strconv.Itoa(i)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// storeOnly stores n notifications like notify, but does not push them.
func (w *world) storeOnly(t *testing.T, player uuid.UUID, first, n int) {
	t.Helper()
	r := replica{service: notifications.New(w.store, noLive{}, time.Now)}
	r.notify(t, player, first, n)
}

// noLive pushes nothing.
type noLive struct{}

func (noLive) Notified(context.Context, notifications.Notification)     {}
func (noLive) Read(context.Context, uuid.UUID, notifications.ReadState) {}

// client is the client end of a connection.
type client struct{ conn *gorilla.Conn }

var dialer = gorilla.Dialer{HandshakeTimeout: waitTimeout}

func (r *replica) address(query string) string {
	return "ws" + strings.TrimPrefix(r.url, "http") + websocket.Path + query
}

// connect opens a connection. It fails the test if the handshake fails.
func (r *replica) connect(t *testing.T, token, query string, protocols ...string) *client {
	t.Helper()
	d := dialer
	d.Subprotocols = protocols
	return r.dial(t, d, token, query)
}

func (r *replica) dial(t *testing.T, d gorilla.Dialer, token, query string) *client {
	t.Helper()
	conn, response, err := d.DialContext(t.Context(), r.address(query), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		status := 0
		if response != nil {
			status = response.StatusCode
		}
		t.Fatalf("connect: %v (status %d)", err, status)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn}
}

// next returns the next frame.
func (c *client) next(t *testing.T) *notificationsv1.Frame {
	t.Helper()
	f, err := c.read()
	if err != nil {
		t.Fatalf("next frame: %v", err)
	}
	return f
}

func (c *client) read() (*notificationsv1.Frame, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(waitTimeout)); err != nil {
		return nil, err
	}
	kind, data, err := c.conn.ReadMessage()
	if err != nil {
		return nil, err
	}
	var f notificationsv1.Frame
	if kind == gorilla.BinaryMessage {
		return &f, proto.Unmarshal(data, &f)
	}
	return &f, protojson.Unmarshal(data, &f)
}

func title(t *testing.T, f *notificationsv1.Frame) string {
	t.Helper()
	if f.GetNotification() == nil {
		t.Fatalf("got %v, want a notification", f)
	}
	return f.GetNotification().GetContent().GetFields()["title"].GetStringValue()
}

// expectTitles checks that the next frames are the notifications with the titles first to last, in order.
func (c *client) expectTitles(t *testing.T, first, last int) {
	t.Helper()
	for i := first; i <= last; i++ {
		if got := title(t, c.next(t)); got != strconv.Itoa(i) {
			t.Fatalf("got notification %s, want %d", got, i)
		}
	}
}

// expectClose reads frames until the connection is closed and checks the close code.
func (c *client) expectClose(t *testing.T, code int) {
	t.Helper()
	for {
		if _, err := c.read(); err != nil {
			if !gorilla.IsCloseError(err, code) {
				t.Fatalf("closed with %v, want %d", err, code)
			}
			return
		}
	}
}

// await waits until condition returns true. what names the condition in the failure message.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(waitTimeout); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("timeout waiting for %s", what)
		}
	}
}
