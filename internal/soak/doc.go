// Package soak is a test: producers and consumers, each a process, are killed, stopped and started anew at random for as long as one
// likes, and meanwhile send and receive in all ways that there are:
//
//	go test ./internal/soak -run Soak -soak.time=60s
//
// TEST_SEED repeats what is done to whom, though not the moments at which processes get there.
package soak
