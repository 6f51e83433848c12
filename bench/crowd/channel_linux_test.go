package crowd

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var kernelQueues = []string{"pipe", "unix-dgram", "unix-seqpacket", "posix-mq", "sysv-mq"}

// twistedKernel is a queue of the kernel whose consumers are not well.
type twistedKernel struct {
	of   string
	take func(c channel, again *bool, buf []byte) (int, error)
}

func (t twistedKernel) alone() bool                 { return false }
func (t twistedKernel) describe() string            { return "twisted " + t.of }
func (t twistedKernel) create(j job) (queue, error) { return contestants[t.of].create(j) }

func (t twistedKernel) producer(j job, files []*os.File) (producer, error) {
	return contestants[t.of].producer(j, files)
}

func (t twistedKernel) consumer(j job, files []*os.File) (consumer, error) {
	c, err := contestants[t.of].consumer(j, files)
	end := c.(kernelEnd)
	end.channel = twistedChannel{end.channel, t.take, new(bool)}
	return end, err
}

type twistedChannel struct {
	channel
	twist func(c channel, again *bool, buf []byte) (int, error)
	again *bool
}

func (t twistedChannel) take(buf []byte) (int, error) { return t.twist(t.channel, t.again, buf) }

// isFifth reports whether a message is number 5 of producer 0.
func isFifth(c channel, buf []byte) bool { return binary.LittleEndian.Uint64(buf[c.head():]) == 5 }

func init() {
	for _, name := range kernelQueues {
		contestants["test-losing-"+name] = twistedKernel{name, func(c channel, _ *bool, buf []byte) (int, error) {
			n, err := c.take(buf)
			if err == nil && isFifth(c, buf) {
				return c.take(buf)
			}
			return n, err
		}}
		contestants["test-doubling-"+name] = twistedKernel{name, func(c channel, again *bool, buf []byte) (int, error) {
			if *again {
				*again = false
				return len(buf) - c.head(), nil
			}
			n, err := c.take(buf)
			*again = err == nil && isFifth(c, buf)
			return n, err
		}}
		contestants["test-cutting-"+name] = twistedKernel{name, func(c channel, _ *bool, buf []byte) (int, error) {
			n, err := c.take(buf)
			return n - 8, err
		}}
		contestants["test-tearing-"+name] = twistedKernel{name, func(c channel, _ *bool, buf []byte) (int, error) {
			n, err := c.take(buf)
			if isFifth(c, buf) {
				buf[len(buf)-1] ^= 1
			}
			return n, err
		}}
	}
	// One that takes the message by which another consumer should learn of the end.
	contestants["test-greedy-pipe"] = twistedKernel{"pipe", func(c channel, _ *bool, buf []byte) (int, error) {
		n, err := c.take(buf)
		if err == nil && binary.LittleEndian.Uint64(buf) == poisonMessage {
			return c.take(buf)
		}
		return n, err
	}}
}

func TestKernelQueues_NoticeDamage(t *testing.T) {
	for _, name := range kernelQueues {
		for damage, want := range map[string]string{
			"losing":   "of producer 0 came {next:0 count:2999 ",
			"doubling": "message 5 of producer 0 came after message 5",
			"cutting":  "message of 56 bytes, want 64",
			"tearing":  "message 0x5 is torn",
		} {
			_, err := run(aJob("test-"+damage+"-"+name, 2, 1), enough)
			require.ErrorContains(t, err, want, "%s %s", damage, name)
		}
	}
	requireNoChildren(t)
}

func TestKernelQueues_EndAlsoIfAConsumerTakesTwoEnds(t *testing.T) {
	_, err := run(aJob("test-greedy-pipe", 2, 3), enough)
	require.NoError(t, err)
}

// A message takes its bytes of the pipe or none, and is read so, if it divides the pages or not: with small pipes, which are full and
// empty all the time, and with larger ones.
func TestPipe_NeverSplitsAMessage(t *testing.T) {
	for _, size := range []int{8, 24, 1016, 2056, 2728, 4088, 4096} {
		for _, ring := range []int{4096, 64 << 10} {
			for _, s := range []shape{{2, 2}, {1, 4}} {
				j := aJob("pipe", s.Producers, s.Consumers)
				j.Size, j.Ring = size, ring
				_, err := run(j, enough)
				require.NoError(t, err, "%+v", j)
			}
		}
	}
}

func TestPipe_CannotHaveMessagesThatMix(t *testing.T) {
	_, err := contestants["pipe"].create(job{Size: pipeBuf + 8, Ring: 1 << 20})
	require.ErrorAs(t, err, new(cannot))
	require.ErrorContains(t, err, "PIPE_BUF")
}

func TestKernelQueues_NameTheLimitThatIsInTheWay(t *testing.T) {
	for name, want := range map[string]string{
		"pipe": "PIPE_BUF", "unix-dgram": "SO_SNDBUF", "unix-seqpacket": "SO_SNDBUF", "posix-mq": "msgsize_max", "sysv-mq": "msgmax",
	} {
		_, err := contestants[name].create(job{Name: name, Size: 32 << 20, Ring: 1 << 20})
		require.ErrorAs(t, err, new(cannot), name)
		require.ErrorContains(t, err, want)
	}
}

func TestSystemV_QueueIsGoneAfterARun(t *testing.T) {
	j := aJob("sysv-mq", 1, 1)
	q, err := contestants["sysv-mq"].create(j)
	require.NoError(t, err)
	require.Contains(t, messageQueues(t), q.object)
	require.NoError(t, q.Close())
	require.NotContains(t, messageQueues(t), q.object)
	require.NoError(t, q.Close(), "again, as when the keeper was there first")
}

func TestKeeper_RemovesTheQueue(t *testing.T) {
	j := aJob("sysv-mq", 1, 1)
	q, err := contestants["sysv-mq"].create(j)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	j.Object = q.object
	k, err := keep(j, subcommand)
	require.NoError(t, err)
	require.Contains(t, messageQueues(t), q.object)
	require.NoError(t, k.Close())
	require.NotContains(t, messageQueues(t), q.object)
	requireNoChildren(t)
}

func TestKeeper_IsOnlyForWhatStaysInTheSystem(t *testing.T) {
	k, err := keep(aJob("vyukov", 1, 1), subcommand)
	require.NoError(t, err)
	require.ErrorContains(t, k.Close(), "queues of vyukov need no keeper")
}

// messageQueues are the System V message queues that there are, and which process sent to each last.
func messageQueues(t *testing.T) map[int]int {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/msg")
	require.NoError(t, err)
	found := make(map[int]int)
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if f := strings.Fields(line); i > 0 && len(f) > 5 { // key msqid perms cbytes qnum lspid
			found[number(t, f[1])] = number(t, f[5])
		}
	}
	return found
}
