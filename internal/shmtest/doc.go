// Package shmtest helps the tests of this module: names that clear up after themselves, child processes, seeds, patience, and a
// check at the end of a package's tests that nothing was left behind. Only tests import it.
package shmtest
