package main

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// size is a flag's number of bytes. It reads 64KiB, 1MiB, 512.
type size int

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	n, err := humanize.ParseBytes(strings.TrimSpace(text))
	if err != nil || strings.ContainsAny(text, "+-,") {
		return fmt.Errorf("size is %q, want a number of bytes such as 512, 64KiB or 1MiB", text)
	}
	if n > math.MaxInt {
		return fmt.Errorf("size is %q, want at most %d bytes", text, math.MaxInt)
	}
	*s = size(n)
	return nil
}

// String is the size in the largest unit that it is a whole number of.
func (s *size) String() string {
	n := int(*s)
	for _, u := range [...]struct {
		name  string
		bytes int
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n != 0 && n%u.bytes == 0 {
			return strconv.Itoa(n/u.bytes) + u.name
		}
	}
	return strconv.Itoa(n)
}

// Type implements pflag.Value.
func (s *size) Type() string { return "SIZE" }

// perm is a flag's file mode, in octal.
type perm fs.FileMode

// Set implements pflag.Value.
func (p *perm) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("mode is %q, want an octal number such as 0600", text)
	}
	*p = perm(n)
	return nil
}

func (p *perm) String() string { return fmt.Sprintf("%#o", uint32(*p)) }

// Type implements pflag.Value.
func (p *perm) Type() string { return "MODE" }

// bytesText is a number of bytes for people.
func bytesText(n uint64) string { return humanize.IBytes(n) }

// rateText is bytes per time for people.
func rateText(n uint64, d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	return humanize.Bytes(uint64(float64(n)/d.Seconds())) + "/s"
}
