// Command ferretdb runs FerretDB on SQLite for tests. FerretDB is a server that implements MongoDB's wire protocol.
//
//	ferretdb DIRECTORY [HOST:PORT]
//
// The databases are files in DIRECTORY. The server listens on a free port of 127.0.0.1 by default. The first line on
// standard output is the server's URL. The server runs until standard input is closed, so it ends with the process that
// started it. FerretDB supports the features that the notification store needs, but not transactions, partial indexes and
// TTL indexes.
//
// The program is a separate module, so that the product does not depend on FerretDB.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) != 1 && len(args) != 2 {
		return errors.New("usage: ferretdb DIRECTORY [HOST:PORT]")
	}
	address := "127.0.0.1:0"
	if len(args) == 2 {
		address = args[1]
	}
	directory, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: address},
		Handler:  "sqlite", SQLiteURL: "file:" + filepath.ToSlash(directory) + "/",
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, stdin)
	}()
	// Print the URL before Run: New has opened the listener, so clients can already connect.
	if _, err := fmt.Fprintln(stdout, server.MongoDBURI()); err != nil {
		return err
	}
	return server.Run(ctx)
}
