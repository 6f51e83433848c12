// Package result is what a run of the comparison found, as it is written to a file: JSON of the type [Report]. Whoever draws or prints works
// from that alone, so that a report can be made again later, and of a run that was interrupted.
package result

import "time"

// Schema is the version of the JSON.
const Schema = 1

// Report is one run of the comparison.
type Report struct {
	Schema   int       `json:"schema"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
	Complete bool      `json:"complete"` // false: it was interrupted, and holds what was measured until then
	Dirt     []string  `json:"dirt"`     // why the figures are not clean, such as what else ran; empty: they are
	Host     Host      `json:"host"`
	Plan     Plan      `json:"plan"`
	Rounds   []Round   `json:"rounds"`
	Trials   []Trial   `json:"trials"`
	Absent   []Absent  `json:"absent"` // contestants that could not take part at all
}

// Host is what a run was measured on.
type Host struct {
	CPU     string `json:"cpu"`
	CPUs    int    `json:"cpus"` // that this process may use
	L2      string `json:"l2"`
	L3      string `json:"l3"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Clock   string `json:"clock"` // the kernel's clock source
	Pinned  bool   `json:"pinned"`
	Version string `json:"version"` // of shmpipe

	PinnedTo  []int    `json:"pinned_to,omitempty"` // numbers of the receiver's CPU and the sender's
	Apart     string   `json:"apart,omitempty"`     // how the kernel says that these are connected
	FloorBy   string   `json:"floor_by,omitempty"`  // which program measures the raw round trip
	Compiler  string   `json:"compiler,omitempty"`  // of the contestants in C
	Flags     string   `json:"flags,omitempty"`     // that it gets if nobody says otherwise
	Libraries []string `json:"libraries,omitempty"` // of others' contestants, with their versions
}

// Plan is what was asked for.
type Plan struct {
	Name        string   `json:"name"` // quick, standard or full
	Sizes       []int    `json:"sizes"`
	Rounds      int      `json:"rounds"`
	Contestants []string `json:"contestants"`
	Command     string   `json:"command"` // that makes such a run again

	Seed     uint64        `json:"seed,omitempty"` // of the contestants' order in a round
	Each     time.Duration `json:"each_ns,omitempty"`
	Limit    time.Duration `json:"limit_ns,omitempty"`
	Modes    []string      `json:"modes,omitempty"`
	Shapes   []string      `json:"shapes,omitempty"`
	Channels []int         `json:"channels,omitempty"`
	LeftOut  []string      `json:"left_out,omitempty"` // contestants that a plan of few leaves out
}

// Round is one pass over all trials.
type Round struct {
	FloorBefore float64 `json:"floor_before_ns"` // raw cache-line round trip; 0: not measured
	FloorAfter  float64 `json:"floor_after_ns"`
	Busy        float64 `json:"busy"`                  // share of all CPUs' time, 0 to 1, that something else took meanwhile
	BusyPinned  float64 `json:"busy_pinned,omitempty"` // of the time of the two CPUs that the contestants are pinned to
	BusyUnknown bool    `json:"busy_unknown,omitempty"`
}

// Kinds of trials.
const (
	Throughput = "thr"   // one way, as fast as it goes
	RoundTrip  = "rtt"   // there and back
	Load       = "load"  // one way at a given rate; latency from the intended send time
	Idle       = "idle"  // a consumer waits, and nothing comes
	First      = "first" // from before the creation to the first message received
	Crowd      = "crowd" // many producers and consumers, as fast as it goes
	Channels   = "chan"  // many pairs, each with a channel of its own
	Syscalls   = "sys"   // system calls, counted; not timed
)

// Ways of waiting.
const (
	Busy  = "busy"  // may spin: a processor each
	Block = "block" // sleeps when there is nothing to do
)

// Key says what was measured: all trials of one key can be compared, over rounds and contestants.
type Key struct {
	Mode  string `json:"mode"`
	Wait  string `json:"wait,omitempty"`
	Size  int    `json:"size"`            // bytes of a message
	Batch int    `json:"batch,omitempty"` // messages sent at once
	Load  int    `json:"load,omitempty"`  // percent of the rate at which this contestant saturates
	Shape string `json:"shape,omitempty"` // producers x consumers, such as 2x2; channels: their number
}

// Once reports whether one round is enough: the figure does not depend on the machine's speed, or takes long.
func (k Key) Once() bool { return k.Mode == Idle || k.Mode == Syscalls }

// Trial is one run of one contestant's program.
type Trial struct {
	Contestant string             `json:"contestant"`
	Key        Key                `json:"key"`
	Round      int                `json:"round"`
	FloorNS    float64            `json:"floor_ns"`         // raw round trip around this very trial, where it was measured; else the round's
	Values     map[string]float64 `json:"values,omitempty"` // by the names below
	Histogram  string             `json:"histogram,omitempty"`
	Skipped    string             `json:"skipped,omitempty"` // why it cannot do this: a size beyond its limit, a mode that it has not
	Error      string             `json:"error,omitempty"`   // it should have worked
}

// Names of values. Latencies and times are in nanoseconds.
const (
	MessagesPerSecond  = "msgs_per_s"
	CPUPerMessage      = "cpu_ns_per_msg" // of both sides, user and system
	SyscallsPerMessage = "syscalls_per_msg"
	Rate               = "rate" // messages a second that a load trial came to
	P50                = "p50_ns"
	P90                = "p90_ns"
	P99                = "p99_ns"
	P999               = "p999_ns"
	Max                = "max_ns"
	Mean               = "mean_ns"
	IdleCPU            = "cpu_us" // of the waiting side, in a second
	FirstMessage       = "first_ns"
)

// MostValue is more than any value can be: in nanoseconds, thirty years. What is beyond it was not measured, and no axis would have an end.
const MostValue = 1e18

// Absent is a contestant that took no part, and why.
type Absent struct {
	Contestant string `json:"contestant"`
	Why        string `json:"why"`
}

// Cores says how far apart the cores were.
type Cores string

// Groups of rounds. A virtual machine's processors move about on the real ones, and what a cache line costs differs several times over.
const (
	Near Cores = "near" // they share a cache
	Far  Cores = "far"
	All  Cores = "all"
)

// Summary is what all trials of one contestant and key came to, over the rounds of one group.
type Summary struct {
	Contestant string
	Key        Key
	Cores      Cores
	Value      string // which of the trials' values
	Trials     int
	Median     float64
	Low, High  float64 // quartiles
	CILow      float64 // 95 % confidence interval of the median
	CIHigh     float64
}

// Ratio is how one contestant did against another, of pairs of trials of the same round.
type Ratio struct {
	Median, CILow, CIHigh float64
	Pairs                 int
}
