package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/tour"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// listen prints the live frames of a player, one per line, until it is interrupted or the platform closes the connection.
func listen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("loyalty-dev listen", flag.ContinueOnError)
	var addr, since string
	cli.AddressVar(f, &addr, "addr", defaultAddr, "`address` of the platform")
	f.StringVar(&since, "since", "", "id of the last `notification` received; those after it are printed before live frames")
	tokens, err := parseFlags(f, args, stderr, "loyalty-dev listen [FLAG ...] TOKEN",
		"Prints the live frames of the player with this access token.")
	if err != nil {
		return err
	}
	if len(tokens) != 1 {
		return usageError(stderr, f.Name(), fmt.Errorf("%d arguments given, want one access token", len(tokens)))
	}
	target := url.URL{Scheme: "ws", Host: browsable(addr), Path: "/notifications/ws"}
	if since != "" {
		target.RawQuery = url.Values{"since": {since}}.Encode()
	}
	header := http.Header{"Authorization": {"Bearer " + tokens[0]}}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.DialContext(ctx, target.String(), header) //nolint:bodyclose // gorilla has read it
	switch {
	case ctx.Err() != nil:
		return nil
	case response != nil && err != nil:
		return fmt.Errorf("%s answered %s", target.Host, cmp.Or(problemDetail(response), tour.DescribeAnswer(response)))
	case err != nil:
		return fmt.Errorf("no platform at %s (%w): start one with: go run ./cmd/loyalty-dev", target.Host, err)
	}
	defer conn.Close()
	fmt.Fprintln(stderr, "Connected; frames follow. Press Ctrl-C to stop.")
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for {
		_, frame, err := conn.ReadMessage()
		if ctx.Err() != nil {
			return nil
		}
		if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
			return fmt.Errorf("the platform closed the connection: %d %s", closed.Code, closed.Text)
		}
		if err != nil {
			return fmt.Errorf("read a frame: %w", err)
		}
		fmt.Fprintln(stdout, printable.Escape(string(frame)))
	}
}

// problemDetail returns the status and the detail of a problem document. It returns an empty string for any other response.
func problemDetail(resp *http.Response) string {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
		return ""
	}
	return resp.Status + ": " + problem.Detail
}
