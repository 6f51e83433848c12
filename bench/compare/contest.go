package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// contest is one program run for one column of a table.
type contest struct {
	name   string // row
	column string
	args   []string
	env    []string
	field  string // of the output that is the result, such as msgs_per_s
}

// result is one run.
type result struct {
	What    string
	Contest string
	Column  string
	Round   int
	Value   float64
	Floor   float64 // raw cache-line round trip around this run, ns; the larger of before and after
	Error   string  `json:",omitempty"`
}

const (
	duel      = "bin/duel"
	cRing     = "bench/c/bin/ring"
	cSlots    = "bench/c/bin/slots"
	cMemcpy   = "bench/c/bin/memcpypair"
	cPingPong = "bench/c/bin/pingpong"
	gvisor    = "bench/peers/bin/gvisorpipe"
	prototype = "bin/prototype"
)

var reasons = map[string]string{
	cRing: "not built: needs gcc", cSlots: "not built: needs gcc", cMemcpy: "not built: needs gcc", cPingPong: "not built: needs gcc",
	gvisor:    "measured by shmpipe bench, as gvisor-pipe",
	prototype: "not built: the yardstick's source is not beside the repository",
	duel:      "not built: run make bench-build",
}

// absent says why a contest cannot run, or nothing.
func (c contest) absent() string {
	if _, err := os.Stat(c.args[0]); err != nil {
		return reasons[c.args[0]]
	}
	return ""
}

const runLimit = 60 * time.Second

// run runs the program once and returns the field of its last line.
func (c contest) run() (float64, error) {
	out, err := execute(c.env, c.args)
	if err != nil {
		return 0, err
	}
	return field(out, c.field)
}

func execute(env, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s: ended after %v", strings.Join(args, " "), runLimit)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return string(out), nil
}

func field(out, name string) (float64, error) {
	m := regexp.MustCompile(regexp.QuoteMeta(name) + `=([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no %s in %q", name, out)
	}
	return strconv.ParseFloat(m[1], 64)
}
