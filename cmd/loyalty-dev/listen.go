package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// listen prints a player's live frames, a line each, until it is interrupted or the platform closes the connection.
func listen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("loyalty-dev listen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "loyalty-dev listen TOKEN prints the live frames of the player with that access token. Its flags:")
		f.PrintDefaults()
	}
	addr := f.String("addr", defaultAddr, "the platform's `address`")
	since := f.String("since", "", "the `notification` to go on after")
	tokens, err := parseAnywhere(f, args)
	if err != nil {
		return usage(err)
	}
	if len(tokens) != 1 {
		fmt.Fprintln(stderr, "loyalty-dev listen: one access token is needed")
		f.Usage()
		return errUsage
	}
	url := "ws://" + *addr + "/notifications/ws"
	if *since != "" {
		url += "?since=" + *since
	}
	header := http.Header{"Authorization": {"Bearer " + tokens[0]}}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.DialContext(ctx, url, header) //nolint:bodyclose // gorilla has read it
	switch {
	case response != nil && err != nil:
		return fmt.Errorf("the platform answers %s%s", response.Status, detail(response.Body))
	case err != nil:
		return fmt.Errorf("nothing answers at %s: start the platform with: go run ./cmd/loyalty-dev", *addr)
	}
	defer conn.Close()
	fmt.Fprintln(stderr, "Connected; live frames follow. Ctrl-C ends it.")
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
			return err
		}
		fmt.Fprintf(stdout, "%s\n", frame)
	}
}

// parseAnywhere reads flags wherever they stand among the other arguments, which it returns.
func parseAnywhere(f *flag.FlagSet, args []string) (others []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, f.Arg(0)), f.Args()[1:]
	}
}

// detail is what a problem document says, if it is one.
func detail(body io.Reader) string {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(body).Decode(&problem); err != nil || problem.Detail == "" {
		return ""
	}
	return ": " + problem.Detail
}
