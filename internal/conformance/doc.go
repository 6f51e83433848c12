// Package conformance is one suite of tests for everything that carries messages: each mode of the ring on each backend of shared memory,
// and each kind of message queue. What all of them promise is tested here once. A further one joins with a line in subjects_test.go;
// where it promises less, the subject says so, and the suite tests what is left.
package conformance
