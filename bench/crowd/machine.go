package crowd

import "shmpipe/bench/internal/host"

// machine says what the figures are of.
func machine() string {
	return host.Machine() + "; huge pages for shared memory: " + host.Text("/sys/kernel/mm/transparent_hugepage/shmem_enabled") + "."
}
