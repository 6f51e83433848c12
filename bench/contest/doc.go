// Package contest has the contestants in Go that need nothing but this module and the kernel. bench/README.md says what a contestant is,
// and package trial runs them.
package contest
