package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
)

// benchProgress is a bar on a terminal, and lines elsewhere.
type benchProgress struct {
	app *app
	bar *progressbar.ProgressBar
}

func (p *benchProgress) Begin(steps int) {
	if isTerminal(p.app.err) {
		p.bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(p.app.err), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(20), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount())
	} else {
		p.app.say("%s trials", humanize.Comma(int64(steps)))
	}
}

func (p *benchProgress) Step(what string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%-46.46s", what))
		_ = p.bar.Add(1) // a terminal that is gone shows nothing
	}
}

func (p *benchProgress) Say(line string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.app.say("%s", line)
}

func (p *benchProgress) End() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
