package kafka

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestDecompressedFetchIsLimited decompresses batches as a fetch of many of them does.
func TestDecompressedFetchIsLimited(t *testing.T) {
	bus, err := New(t.Context(), Config{Brokers: []string{"127.0.0.1:1"}, ClientID: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	compressor, err := kgo.DefaultCompressor(kgo.ZstdCompression())
	if err != nil {
		t.Fatal(err)
	}
	compress := func(mib int) []byte {
		b, _ := compressor.Compress(new(bytes.Buffer), make([]byte, mib<<20))
		return b
	}
	d := bus.newDecompressor(errBatchTooLarge)
	for range 3 {
		for i := range 5 {
			b, err := d.Decompress(compress(8), kgo.CodecZstd)
			if want := 8 << 20; i < 4 && (len(b) != want || err != nil) || i == 4 && !errors.Is(err, errFetchTooLarge) {
				t.Fatalf("batch %d of a fetch: got %d bytes, %v", i, len(b), err)
			}
		}
		d.reset()
	}
	if b, err := d.Decompress(compress(9), kgo.CodecZstd); !errors.Is(err, errBatchTooLarge) {
		t.Errorf("a batch of 9 MiB: got %d bytes, %v, want errBatchTooLarge", len(b), err)
	}
}
