package ring

import (
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
)

// overlaps is how many pairs of operations were under way at once.
func overlaps(ops []porcupine.Operation) (n int) {
	for i, a := range ops {
		for _, b := range ops[i+1:] {
			if a.ClientId != b.ClientId && a.Call < b.Return && b.Call < a.Return {
				n++
			}
		}
	}
	return n
}

// The check must find what is wrong: two elements that were sent one after the other, and taken one after the other, the wrong way
// round; one that is delivered twice; one that is delivered before it is sent.
func TestMPMC_HistoriesThatAreNotOfAQueueAreFound(t *testing.T) {
	rng := shmtest.Rand(t)
	swapped := 0
	for range 50 {
		w := runWindow(t, rng)
		good := w.ops
		enqueued := make(map[queueOp]porcupine.Operation)
		var dequeued []int
		for i, op := range good {
			if in := op.Input.(queueOp); in.op == "enqueue" {
				enqueued[queueOp{"dequeue", in.id}] = op
			} else {
				dequeued = append(dequeued, i)
			}
		}
		sent := func(i int) porcupine.Operation { return enqueued[good[i].Input.(queueOp)] }
		illegal := func(change func(ops []porcupine.Operation)) {
			w.ops = slices.Clone(good)
			change(w.ops)
			require.Equal(t, porcupine.Illegal, w.check())
		}
		for range 5 {
			a, b := dequeued[rng.IntN(len(dequeued))], dequeued[rng.IntN(len(dequeued))]
			if sent(a).Return < sent(b).Call && good[a].Return < good[b].Call {
				swapped++
				illegal(func(ops []porcupine.Operation) { ops[a].Input, ops[b].Input = good[b].Input, good[a].Input })
			}
			if a != b {
				illegal(func(ops []porcupine.Operation) { ops[a].Input = good[b].Input })
			}
			illegal(func(ops []porcupine.Operation) { ops[a].Call, ops[a].Return = sent(a).Call-2, sent(a).Call-1 })
		}
	}
	require.NotZero(t, swapped)
}

// Why fifo does not look at calls that found nothing: this one is right by the ring's rules, and the queue was never empty.
func TestMPMC_FindsNothingBehindAClaimThoughTheQueueIsNotEmpty(t *testing.T) {
	m := smallCrowd(0)
	slow, fast, c := mpmcProducer(t, m, 0), mpmcProducer(t, m, 1), mpmcConsumer(t, m, 2)
	var h history
	claimed := h.clock.Add(1)
	crowdClaim(t, slow, 1, 1)
	began := h.clock.Add(1)
	crowdSend(t, fast, 2)
	h.note(1, "enqueue", 'b', began)
	began = h.clock.Add(1)
	crowdEmpty(t, c)
	h.note(2, "empty", 0, began)
	require.Equal(t, Done, slow.Commit(1, 1))
	h.note(0, "enqueue", 'a', claimed)
	for _, want := range []struct {
		id  rune
		msg []byte
		typ uint16
	}{{'a', pattern(1, 1), 1}, {'b', pattern(2, 0), 0}} {
		began = h.clock.Add(1)
		crowdReceive(t, c, want.msg, want.typ, false)
		h.note(2, "dequeue", want.id, began)
	}
	require.Equal(t, porcupine.Illegal, h.check())
	h.ops = append(h.ops[:1], h.ops[2:]...)
	require.Equal(t, porcupine.Ok, h.check())
}
