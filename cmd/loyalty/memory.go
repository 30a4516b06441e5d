package main

import "github.com/KimMachineGun/automemlimit/memlimit"

// memoryShare is the share of the container's memory that the Go runtime may use. The rest is for the memory that the
// runtime does not count, such as the socket buffers of the kernel and the page cache.
const memoryShare = 0.9

// limitMemory sets the memory limit of the Go runtime to a share of the limit that the provider returns. The garbage
// collector then works harder when the limit is near, so that the kernel does not kill the process. limitMemory does nothing
// if there is no limit, or if GOMEMLIMIT is set.
func limitMemory(container memlimit.Provider) {
	// An error means that there is no container, or a container without a limit.
	_, _ = memlimit.SetGoMemLimitWithOpts(memlimit.WithProvider(container), memlimit.WithRatio(memoryShare))
}
