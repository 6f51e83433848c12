// Package ofd takes and asks for open-file-description locks: record locks that belong to a description and not to a process, so that
// two handles of one process exclude each other, and that the kernel drops when the last descriptor of it is gone, however its
// owner ends.
package ofd
