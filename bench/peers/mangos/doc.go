// Package mangos is the contestant for mangos (go.nanomsg.org/mangos/v3), the scalability protocols in Go, over ipc://, a Unix socket: push
// and pull one way, a pair for round trips.
//
// Messages are used as its documentation advises: from and back to its pool, with SendMsg, RecvMsg and Free. There is no way to send
// several at once, so batches change nothing. It waits in Go's poller whatever WAIT says.
package mangos
