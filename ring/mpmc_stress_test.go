package ring

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// relay is a run in which workers hand tokens round through one ring. Each worker is a producer and a consumer: it takes a token, owns
// it for a while, and sends it on. So there is one token of each number at any time, in the ring or with a worker. A token that comes
// twice is found when its second taker finds it owned; one that is lost, torn or old, when it is compared with what its last owner
// noted about it. That note is no atomic: the race detector sees whether the ring orders sender and receiver.
//
// Now and then a worker leaves, or dies with a token or a claim in hand, is recovered while the others run, and starts anew.
type relay struct {
	m      MPMCMemory
	tokens []token
	stop   atomic.Bool
	err    atomic.Pointer[error]
	sent   atomic.Int64 // how many a Send or SendBatch took
	deaths atomic.Int64
}

type token struct {
	owner  atomic.Int32 // worker + 1, or 0
	orphan atomic.Bool  // its owner died, or left, before it finished the message
	passes uint64       // how often it was sent: its owner's, or if there is none, that of the message
}

const tokenHeader = 16

// message is what a token looks like at its present pass.
func (r *relay) message(id uint64, length int) []byte {
	b := pattern(tokenHeader+length, byte(id+r.tokens[id].passes))
	le.PutUint64(b, id)
	le.PutUint64(b[8:], r.tokens[id].passes)
	return b
}

// relayWorker is a participant: two, to the ring.
type relayWorker struct {
	*relay
	id    int
	rng   *rand.Rand
	p     *MPMCProducer
	c     *MPMCConsumer
	purse []uint64 // tokens that were taken and not sent on
}

func (w *relayWorker) producerSlot() uint8 { return uint8(2 * w.id) }
func (w *relayWorker) consumerSlot() uint8 { return uint8(2*w.id + 1) }

// errorf notes the first error, and has everybody stop.
func (w *relayWorker) errorf(format string, args ...any) {
	err := fmt.Errorf("worker %d: %w", w.id, fmt.Errorf(format, args...))
	w.err.CompareAndSwap(nil, &err)
	w.stop.Store(true)
}

func (w *relayWorker) run() {
	for !w.stop.Load() || len(w.purse) > 0 || w.c.Held() {
		if w.err.Load() != nil {
			return
		}
		w.take()
		if len(w.purse) > w.rng.IntN(4) && !w.c.Held() || w.stop.Load() {
			w.send()
		}
	}
}

// take takes a token, if there is one.
func (w *relayWorker) take() {
	if w.stop.Load() && !w.c.Held() && len(w.purse) == 0 {
		return
	}
	payload, typ, o := w.c.Next()
	if o == Empty {
		runtime.Gosched()
		return
	}
	if o != Done || len(payload) < tokenHeader || typ != 7 {
		w.errorf("next: %v, type %d, %d bytes: %w", o, typ, len(payload), w.c.Err())
		return
	}
	id := le.Uint64(payload)
	if id >= uint64(len(w.tokens)) {
		w.errorf("token %d", id)
		return
	}
	t := &w.tokens[id]
	if !t.owner.CompareAndSwap(0, int32(w.id+1)) {
		w.errorf("token %d is owned by worker %d", id, t.owner.Load()-1)
		return
	}
	if orphan := t.orphan.Swap(false); orphan != w.c.Redelivered() {
		w.errorf("token %d: orphan %v, flagged %v", id, orphan, w.c.Redelivered())
		return
	}
	for range w.rng.IntN(3) {
		runtime.Gosched()
	}
	if want := w.message(id, len(payload)-tokenHeader); !slices.Equal(want, payload) {
		w.errorf("token %d at pass %d is torn, or of pass %d", id, t.passes, le.Uint64(payload[8:]))
		return
	}
	if t.owner.Load() != int32(w.id+1) {
		w.errorf("token %d was taken away", id)
		return
	}
	if w.rng.IntN(100) == 0 && !w.stop.Load() {
		t.orphan.Store(true)
		t.owner.Store(0)
		w.end()
		return
	}
	w.purse = append(w.purse, id)
	w.c.Release() // if there is one in hand after that, it is the next of a batch
}

// end is the end of a worker with a message in hand: it leaves, or it dies and is recovered. Another starts in its place.
func (w *relayWorker) end() {
	var err error
	if w.rng.IntN(2) == 0 {
		w.c.Leave()
	} else {
		w.deaths.Add(1)
		var r Recovered
		if r, err = RecoverMPMC(w.m, w.consumerSlot()); err == nil && r != (Recovered{Orphaned: 1}) {
			err = fmt.Errorf("recovered %+v", r)
		}
	}
	if err == nil {
		w.c, err = NewMPMCConsumer(w.m, w.consumerSlot(), func() {})
	}
	if err != nil {
		w.errorf("end: %w", err)
	}
}

// send sends on what is in the purse, some of it. If there is no room, the worker goes on taking.
func (w *relayWorker) send() {
	if len(w.purse) == 0 {
		return
	}
	if w.rng.IntN(20) == 0 {
		w.waste()
	}
	count := 1
	if w.rng.IntN(2) == 0 {
		count = len(w.purse)
	}
	batch := make([][]byte, count)
	for i, id := range w.purse[:count] {
		w.tokens[id].passes++
		batch[i] = w.message(id, w.rng.IntN(90))
		w.tokens[id].owner.Store(0) // it may arrive before we come back
	}
	n, o := 0, Done
	if count == 1 && w.rng.IntN(2) == 0 {
		var space []byte
		if space, o = w.p.Claim(uint64(len(batch[0]) + 50)); o == Done {
			if w.rng.IntN(4) == 0 {
				runtime.Gosched()
			}
			copy(space, batch[0])
			n, o = 1, w.p.Commit(uint64(len(batch[0])), 7)
		}
	} else {
		n, o = w.p.SendBatch(batch, 7)
	}
	if o != Done && o != Full {
		w.errorf("send: %v: %w", o, w.p.Err())
		return
	}
	for _, id := range w.purse[n:count] { // still ours
		w.tokens[id].passes--
		w.tokens[id].owner.Store(int32(w.id + 1))
	}
	w.sent.Add(int64(n))
	w.purse = slices.Delete(w.purse, 0, n)
}

// waste claims a frame and does not commit it.
func (w *relayWorker) waste() {
	space, o := w.p.Claim(w.rng.Uint64N(300))
	if o != Done {
		return
	}
	clear(space)
	if w.rng.IntN(2) == 0 {
		w.p.Abort()
		return
	}
	runtime.Gosched()
	w.deaths.Add(1)
	r, err := RecoverMPMC(w.m, w.producerSlot())
	if err == nil && r != (Recovered{Abandoned: 1}) {
		err = fmt.Errorf("recovered %+v", r)
	}
	if err == nil {
		w.p, err = NewMPMCProducer(w.m, w.producerSlot())
	}
	if err != nil {
		w.errorf("waste: %w", err)
	}
}

func TestMPMC_HandsTokensRoundAndLosesNone(t *testing.T) {
	for _, shape := range []struct {
		workers, tokens int
		granules        uint64
		shift           uint32
	}{{2, 4, fewGranules, 1}, {4, 8, fewGranules, 0}, {6, 100, 256, 3}} {
		t.Run(fmt.Sprintf("%d workers, %d tokens", shape.workers, shape.tokens), func(t *testing.T) {
			seed := shmtest.Seed(t)
			r := &relay{m: newCrowdMemory(shape.granules, smallGranule, shape.shift), tokens: make([]token, shape.tokens)}
			var workers []*relayWorker
			for i := range shape.workers {
				w := &relayWorker{relay: r, id: i, rng: shmtest.NewRand(seed + uint64(i))}
				w.p, w.c = mpmcProducer(t, r.m, w.producerSlot()), mpmcConsumer(t, r.m, w.consumerSlot())
				workers = append(workers, w)
			}
			for id := range r.tokens { // the first worker has them all in the beginning
				r.tokens[id].owner.Store(1)
				workers[0].purse = append(workers[0].purse, uint64(id))
			}
			var all sync.WaitGroup
			for _, w := range workers {
				all.Go(w.run)
			}
			time.Sleep(time.Second)
			shmtest.Eventually(t, "tokens that went round", func() bool { return r.sent.Load() > int64(shape.tokens) || r.stop.Load() })
			r.stop.Store(true)
			shmtest.Within(t, shmtest.Patience, "the relay", all.Wait)
			if err := r.err.Load(); err != nil {
				require.NoError(t, *err)
			}
			passes := r.collect(t)
			sent, received := uint64(0), uint64(0)
			for slot := range uint8(r.m.Participants) {
				sent += slotCount(r.m, slot, protocol.SlotSent)
				received += slotCount(r.m, slot, protocol.SlotReceived)
			}
			require.Equal(t, []uint64{passes, passes, passes}, []uint64{sent, received, uint64(r.sent.Load())})
			t.Logf("%d passes, %d deaths", passes, r.deaths.Load())
		})
	}
}

// collect takes what is in the ring in the end: each token, once. It returns how often tokens were sent.
func (r *relay) collect(t *testing.T) (passes uint64) {
	c := mpmcConsumer(t, r.m, 15)
	for range r.tokens {
		payload, _, o := c.Next()
		require.Equal(t, Done, o, "%v", c.Err())
		id := le.Uint64(payload)
		token := &r.tokens[id]
		require.True(t, token.owner.CompareAndSwap(0, 99), "token %d comes twice", id)
		require.Equal(t, r.message(id, len(payload)-tokenHeader), payload)
		require.Equal(t, token.orphan.Load(), c.Redelivered())
		passes += token.passes
	}
	crowdEmpty(t, c)
	for pos := range crowdSize(r.m) {
		require.EqualValues(t, protocol.WordFree, wordOf(r.m, pos).State())
	}
	return passes
}
