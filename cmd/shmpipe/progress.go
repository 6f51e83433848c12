package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// showProgress draws a bar of the meter's bytes on standard error until the function that it returns is called, which removes
// it. Total is how many bytes there will be; -1 if nobody can know.
func showProgress(w *os.File, what string, m *meter, total int64) (stop func()) {
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}),
	)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressTick) // rather than at each message: the bar must not cost what it shows
		defer tick.Stop()
		speed := speedometer{}
		for {
			select {
			case <-tick.C:
				now := m.bytes.Load()
				bar.Describe(progressText(what, now, total, speed.tick(now)))
				if now > 0 && total != 0 {
					_ = bar.Set64(int64(now)) // a terminal that cannot be written to is no reason to stop
				}
			case <-done:
				_ = bar.Clear()
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

const progressTick = 100 * time.Millisecond

// progressText is what stands before the bar: sending 64 MiB of 286 MiB, 65 MiB/s
func progressText(what string, now uint64, total int64, perSecond float64) string {
	of := ""
	if total >= 0 {
		of = " of " + bytesText(uint64(total))
	}
	return fmt.Sprintf("%s %s%s, %s/s", what, bytesText(now), of, bytesText(uint64(perSecond)))
}

// speedometer is the speed over the last second.
type speedometer struct {
	seen []uint64 // bytes at each tick
}

func (s *speedometer) tick(bytes uint64) (perSecond float64) {
	const most = int(time.Second / progressTick)
	s.seen = append(s.seen, bytes)
	if len(s.seen) > most+1 {
		s.seen = s.seen[1:]
	}
	span := time.Duration(len(s.seen)-1) * progressTick
	if span == 0 {
		return float64(bytes) / progressTick.Seconds()
	}
	return float64(bytes-s.seen[0]) / span.Seconds()
}
