// Package host is what the comparisons say and ask of the machine: what it is, what else runs on it, how far apart its processors are, and
// on which of them a process runs.
package host
