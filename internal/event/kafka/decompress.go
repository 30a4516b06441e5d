package kafka

import (
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Limits of compressed batches. The limits of topics apply to compressed batches, and a record of 1 GiB can be compressed to
// a few KiB. The client decompresses all batches of a fetch at once.
const (
	// maxBatchBytes is the maximum size of a batch after decompression. Producers limit a batch to about 1 MiB before
	// compression. Larger batches are accepted to the extent that their record can become a dead letter without its body.
	maxBatchBytes = 8 << 20
	// maxBatchMemory is the maximum memory of the records of a batch. Small records need more memory than bytes.
	maxBatchMemory = 16 << 20
	// maxFetchMemory is the memory after which no further batch is decompressed before the next poll.
	maxFetchMemory = 32 << 20
	// maxFetchBytes is the maximum size of a fetch. It limits the memory of small records that are not compressed.
	maxFetchBytes = 4 << 20

	recordMemory = 200
	headerMemory = 40
)

var (
	errBatchTooLarge = errors.New("the batch exceeds 8 MiB after decompression, or 16 MiB with its records in memory")
	errFetchTooLarge = errors.New("the fetch exceeds 32 MiB after decompression")
)

// decompressor limits the memory of decompressed batches. If a batch is too large, the client returns errBatchTooLarge for
// its partition and does not advance. If a fetch is too large, the client returns the batches before the limit, or
// errFetchTooLarge, and fetches the others again.
//
// The client's option MaxDecompressBatchBytes is no alternative: with it, a paused partition stops for good.
type decompressor struct {
	bounded  kgo.Decompressor
	tooLarge error
	used     atomic.Int64
}

// newDecompressor returns a decompressor that returns tooLarge for a batch that is too large.
func (b *Bus) newDecompressor(tooLarge error) *decompressor {
	bounded, _ := b.client.OptValue(kgo.WithDecompressor).(kgo.Decompressor) // bounded by newClient
	return &decompressor{bounded: bounded, tooLarge: tooLarge}
}

// reset lets the client decompress batches again, after a poll.
func (d *decompressor) reset() { d.used.Store(0) }

// Decompress implements kgo.Decompressor.
func (d *decompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if d.used.Load() >= maxFetchMemory {
		return nil, errFetchTooLarge
	}
	records, err := d.bounded.Decompress(src, codec)
	if errors.Is(err, kgo.ErrMaxDecompress) {
		return nil, d.tooLarge
	} else if err != nil {
		return nil, err
	}
	memory := batchMemory(records)
	if memory > maxBatchMemory {
		return nil, d.tooLarge
	}
	d.used.Add(int64(memory))
	return records, nil
}

// batchMemory returns the memory of the records of a decompressed batch.
func batchMemory(records []byte) int {
	memory := len(records)
	for len(records) > 0 {
		length, n := kbin.Varint(records)
		if n <= 0 || length < 0 || int(length) > len(records)-n {
			break
		}
		r := kbin.Reader{Src: records[n : n+int(length)]}
		r.Int8()        // attributes
		r.Varlong()     // timestamp
		r.Varint()      // offset
		r.VarintBytes() // key
		r.VarintBytes() // value
		headers := r.VarintArrayLen()
		if !r.Ok() {
			break
		}
		memory += recordMemory + headerMemory*max(0, int(headers))
		records = records[n+int(length):]
	}
	return memory
}
