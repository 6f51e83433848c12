// Package segment keeps the memory that rings live in: its name, its file, its mapping, its seals and its leases. It knows
// nothing of what the rings do with the bytes; package protocol says what the bytes mean.
//
// There are three backends:
//
//	posix   a file "shmpipe.NAME" in /dev/shm, built without a name and linked when it is complete
//	sysv    shmget with a key made from the name, and beside it a lock file "shmpipe-sysv.NAME.lock" in /dev/shm
//	memfd   a sealed file without a name, handed to another process as a descriptor
//
// # Life and death
//
// A [Lease] is an open-file-description lock on one byte far behind the end of the segment's file (or of the lock file). The
// kernel drops it when the last descriptor of the description is gone. At a process's death the kernel takes every thread's
// memory away before it takes the last reference to its descriptors, so a free lease proves that no thread of that process can
// write to the segment any more. A stopped process keeps its lease, and a zombie has none.
//
// Locks of one description never conflict with each other. So every lease has a description of its own, made by opening
// /proc/self/fd/N; a duplicate would not do. For that reason /proc must be mounted.
//
// # Bytes that are locked
//
//	protocol.LeaseByte(i)     exclusively, by the holder of participant i's lease
//	protocol.AttachByte       shared while a lease is taken, exclusively while the segment is removed
//	protocol.AttachByte - 1   sysv only: exclusively while the segment is made or removed, for shmget cannot publish a finished one
//
// # Trust
//
// A segment is as trustworthy as those who may write to its file. By default a file has mode 0600, and [Open] refuses files
// that belong neither to this process's user nor to root, because /dev/shm is a place where anybody may put a file under any
// name, and who owns a file may truncate it under a mapping. [Options] has AllowOtherOwner for groups that trust each other. A
// memfd cannot be truncated by anybody, which is why [OpenFile] refuses one that is not sealed.
//
// Everything here works on Linux only. Elsewhere each function returns [errors.ErrUnsupported].
package segment
