// Package crash kills participants at every access to shared memory, one after the other, and looks at what becomes of the rest:
//
//	go test -tags seam ./internal/crash -run Matrix
//
// and puts live processes into every bad situation that the issue tracker of a queue knows:
//
//	go test ./internal/crash -run Scenario
//
// What these tests have in common with the soak test (package soak) is here: messages that betray any damage, and a ledger that
// survives its writers. Only tests import it. It imports nothing, so it can be of any test's use.
package crash
