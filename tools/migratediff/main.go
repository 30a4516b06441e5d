// Command migratediff adds the migrations that the schema's last changes need: migratediff NAME. It plans them on the
// server of LOYALTY_DEV_POSTGRES, the URL of a superuser, else on a private one that it starts.
//
// With -hash it only writes atlas.sum anew, after a migration was written by hand.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	atlas "ariga.io/atlas/sql/migrate"

	"github.com/casino-loyalty/loyalty/atlas/plan"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

func main() {
	hash := flag.Bool("hash", false, "only write atlas.sum anew")
	root := flag.String("root", "atlas", "the folder with a folder for each database")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *root, *hash, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "migratediff:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, hash bool, args []string) error {
	if hash {
		return rehash(root)
	}
	if len(args) != 1 {
		return errors.New("usage: migratediff NAME")
	}
	url := os.Getenv("LOYALTY_DEV_POSTGRES")
	if url == "" {
		private, stop, err := startServer(ctx)
		if err != nil {
			return err
		}
		defer stop()
		url = private
	}
	written, err := plan.Write(ctx, url, root, args[0])
	for _, file := range written {
		fmt.Println(file)
	}
	return err
}

// startServer starts a server that loses its data with stop.
func startServer(ctx context.Context) (url string, stop func(), err error) {
	folder, err := os.MkdirTemp("", "migratediff")
	if err != nil {
		return "", nil, err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // the server may run as another user
		return "", nil, err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{
		DataDir: filepath.Join(folder, "data"), Settings: map[string]string{"fsync": "off"},
	})
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(folder))
	}
	return server.URL("postgres"), func() {
		if err := errors.Join(server.Stop(context.WithoutCancel(ctx)), os.RemoveAll(folder)); err != nil {
			fmt.Fprintln(os.Stderr, "migratediff:", err)
		}
	}, nil
}

func rehash(root string) error {
	for _, d := range plan.Databases() {
		folder, err := atlas.NewLocalDir(filepath.Join(root, d.Name))
		if err != nil {
			return err
		}
		sum, err := folder.Checksum()
		if err != nil {
			return err
		}
		if err := atlas.WriteSumFile(folder, sum); err != nil {
			return err
		}
	}
	return nil
}
