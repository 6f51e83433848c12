package main

import (
	"fmt"
	"slices"
	"time"

	"shmpipe"
)

// blockingInfo is a live participant that others wait for. Nobody may take away what it has.
type blockingInfo struct {
	Ring    int    `json:"ring"`
	Role    string `json:"role"`
	PID     int    `json:"pid"`
	Command string `json:"command"`
	Stopped bool   `json:"stopped"`
	What    string `json:"what"`
}

func (b blockingInfo) String() string {
	return fmt.Sprintf("%s, pid %d (%s)%s: %s", b.Role, b.PID, b.Command, stoppedText(b.Stopped), b.What)
}

// advice says how to make it let go.
func (b blockingInfo) advice() string {
	if b.Stopped {
		return fmt.Sprintf("continue it with `kill -CONT %d`, or end it with `kill -KILL %d`: what a dead one holds is released at once", b.PID, b.PID)
	}
	return fmt.Sprintf("let it go on, or end it with `kill %d`: what a dead one holds is released at once", b.PID)
}

func stoppedText(stopped bool) string {
	if stopped {
		return ", stopped (SIGSTOP)"
	}
	return ""
}

// doubtful is how long a participant that runs must hold others up, while no message moves, to be named: on a ring at work, somebody
// always has a frame in hand.
const doubtful = 100 * time.Millisecond

// inspectPatiently is inspect with only those in Blocking who hold others up indeed.
func inspectPatiently(pipe *shmpipe.Pipe) (segmentInfo, error) {
	before, err := inspect(pipe)
	if err != nil || !slices.ContainsFunc(before.Blocking, func(b blockingInfo) bool { return !b.Stopped }) {
		return before, err
	}
	time.Sleep(doubtful)
	now, err := inspect(pipe)
	now.Blocking = stuck(before, now)
	return now, err
}

// stuck is who holds others up: who is stopped, or who did so before and no message has moved since.
func stuck(before, now segmentInfo) []blockingInfo {
	found := []blockingInfo{}
	for _, b := range now.Blocking {
		if b.Stopped || slices.Contains(before.Blocking, b) && b.Ring < len(before.Stats) &&
			before.Stats[b.Ring].Sent == now.Stats[b.Ring].Sent && before.Stats[b.Ring].Received == now.Stats[b.Ring].Received {
			found = append(found, b)
		}
	}
	return found
}
