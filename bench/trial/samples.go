package trial

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// findings are the keys and values of the line of results.
type findings []string

func (f *findings) add(key, format string, value any) {
	*f = append(*f, fmt.Sprintf("%s="+format, key, value))
}

// writeSamples writes latencies in nanoseconds, as they came, as words of native order; to "" nothing.
func writeSamples(path string, took []uint64) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	var word [8]byte
	for _, t := range took {
		binary.NativeEndian.PutUint64(word[:], t)
		if _, err = w.Write(word[:]); err != nil {
			break
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return nil
}

// addQuantiles sorts latencies, of which there is one at least, and adds what is asked for.
func (f *findings) addQuantiles(took []uint64) {
	slices.Sort(took)
	f.add("p50_ns", "%d", took[len(took)/2])
	f.add("p99_ns", "%d", took[len(took)*99/100])
}
