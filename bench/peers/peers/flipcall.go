package main

import (
	"os"

	"shmpipe/bench/trial"
)

// calls would be gVisor's flipcall.
type calls struct{}

func (calls) Create(trial.Job, int) (trial.Handle, error) {
	return nil, trial.Cannot{Why: "flipcall hands control over with each call and has no stream of messages: its one thread a side calls or answers, where a trial has two directions"}
}

func (c calls) Open(j trial.Job, _ string, _ []*os.File) (trial.Handle, error) { return c.Create(j, 1) }
