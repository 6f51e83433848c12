// Package procwatch tells when another process has ended, at once and without polling, if the kernel can say so: by a pidfd in the
// runtime's poller, which costs neither a thread nor a timer. It is a hint to look; proof of death is the lease.
package procwatch
