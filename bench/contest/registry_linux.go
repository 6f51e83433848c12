package contest

import (
	"golang.org/x/sys/unix"

	"shmpipe"
)

var contestants = map[string]contestant{
	"shmpipe-posix":      {Transport: shm{backend: shmpipe.POSIX}, about: "shmpipe, SPSC ring in a file of /dev/shm, received in place"},
	"shmpipe-sysv":       {Transport: shm{backend: shmpipe.SysV}, about: "shmpipe, SPSC ring in System V shared memory, received in place"},
	"shmpipe-memfd":      {Transport: shm{backend: shmpipe.Memfd}, about: "shmpipe, SPSC ring in an unnamed file, received in place"},
	"shmpipe-mpmc-posix": {Transport: shm{backend: shmpipe.POSIX, mode: shmpipe.MPMC}, about: "shmpipe, MPMC ring in a file of /dev/shm, received in place"},
	"shmpipe-mpmc-sysv":  {Transport: shm{backend: shmpipe.SysV, mode: shmpipe.MPMC}, about: "shmpipe, MPMC ring in System V shared memory, received in place"},
	"shmpipe-mpmc-memfd": {Transport: shm{backend: shmpipe.Memfd, mode: shmpipe.MPMC}, about: "shmpipe, MPMC ring in an unnamed file, received in place"},
	"shmpipe-posix-mq":   {Transport: fallback{shmpipe.POSIXQueue}, about: "shmpipe over a POSIX message queue: its fallback"},
	"shmpipe-sysv-mq":    {Transport: fallback{shmpipe.SysVQueue}, about: "shmpipe over a System V message queue: its fallback"},

	"pipe":           {Transport: pipes{}, about: "pipe(2): a write for each message or batch, buffered reads"},
	"fifo":           {Transport: fifos{}, about: "mkfifo(3): a write for each message or batch, buffered reads"},
	"unix-stream":    {Transport: pairs{unix.SOCK_STREAM}, about: "socketpair(2), stream: a write for each message or batch, buffered reads"},
	"unix-seqpacket": {Transport: pairs{unix.SOCK_SEQPACKET}, about: "socketpair(2), sequenced packets: a packet for each message, batches by sendmmsg and recvmmsg"},
	"unix-dgram":     {Transport: pairs{unix.SOCK_DGRAM}, about: "socketpair(2), datagrams: a datagram for each message, batches by sendmmsg and recvmmsg"},
	"tcp":            {Transport: tcp{}, about: "TCP over the loopback, TCP_NODELAY: a write for each message or batch, buffered reads"},
	"os-pipe":        {Transport: osPipes{}, about: "os.Pipe through os.File and bufio, with Go's poller"},

	"posix-mq": {Transport: posixQueues{}, about: "POSIX message queue: mq_send and mq_receive for each message", limit: posixLimit},
	"sysv-mq":  {Transport: sysvQueues{}, about: "System V message queue: msgsnd and msgrcv for each message", limit: sysvLimit},
	"mq-token": {Transport: tokens{}, about: "slots in shared memory, handed over by tokens in two POSIX message queues"},
	"sysv-sem": {Transport: semaphores{}, about: "slots in shared memory, counted by two System V semaphores (empty, full): two semop a message and side"},
	"go-chan":  {Transport: goChannels{}, about: "Go channel within one process, messages copied to pooled buffers; a reference"},

	"many-one-segment": {Transport: many{}, about: "shmpipe, N channels as N rings of one segment, one thread a side that goes round"},
	"many-segments":    {Transport: many{segments: true}, about: "shmpipe, N channels as N segments of one ring, one thread a side that goes round"},
}
