package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// fillCrowd makes the ring's memory what the fuzzer came up with: the hints, the generation of orphans and the words, in the order of
// granules, from shared; and the beginning of the granules from data, 32 bytes for each.
func fillCrowd(m MPMCMemory, shared, data []byte) {
	clear(m.Control)
	clear(m.Data)
	word := func() (v uint64) {
		if len(shared) >= 8 {
			v, shared = le.Uint64(shared), shared[8:]
		}
		return v
	}
	for _, off := range crowdHints {
		crowdShared(m, off).Store(word())
	}
	for i := range crowdSize(m) {
		crowdWord(m, i).Store(word())
	}
	for i := 0; i < len(data) && i/32 < int(crowdSize(m)); i++ {
		m.Data[i/32*int(m.Granule)+i%32] = data[i]
	}
}

// seedShared is what fillCrowd makes a ring of.
func seedShared(tail, head, orphans uint64, words ...protocol.Word) []byte {
	b := make([]byte, 24+8*len(words))
	le.PutUint64(b, tail)
	le.PutUint64(b[8:], head)
	le.PutUint64(b[16:], orphans)
	for i, w := range words {
		le.PutUint64(b[24+8*i:], uint64(w))
	}
	return b
}

// seedGranules is data that has these words at the beginning of its granules, three for each.
func seedGranules(words ...[3]uint64) []byte {
	b := make([]byte, 32*len(words))
	for i, w := range words {
		for j, v := range w {
			le.PutUint64(b[32*i+8*j:], v)
		}
	}
	return b
}

// seedScript is every step, by each of the participants.
func seedScript() (b []byte) {
	for what := range byte(8) {
		for who := range byte(7) {
			b = append(b, who, what, what*35+who)
		}
	}
	return b
}

// Three bytes of script are a step: who, what, and how many bytes.
func FuzzMPMC_AnyBytes(f *testing.F) {
	batch := func(n, done uint64) [3]uint64 {
		return [3]uint64{protocol.FrameHeader(uint32(n), 0, protocol.FrameBatch), done, protocol.FrameHeader(8, 1, 0)}
	}
	message := func(n uint32) [3]uint64 { return [3]uint64{protocol.FrameHeader(n, 1, 0)} }
	word := protocol.NewWord
	f.Add(seedShared(0, 0, 0), []byte{}, seedScript())
	f.Add(seedShared(0, 0, 0, word(0, 1, 0, protocol.WordCommitted), word(0, 2, 0, protocol.WordCommitted)), seedGranules(message(8), message(100)), seedScript())
	f.Add(seedShared(8, 8, 1, word(0, 2, 1, protocol.WordOrphan), 0, word(0, 1, 0, protocol.WordAbandoned), word(0, 1, 3, protocol.WordTaken)), seedGranules(batch(48, 16)), seedScript())
	f.Add(seedShared(0, 0, 5, word(0, 1, 0, protocol.WordOrphan), word(0, 1, 0, protocol.WordCommitted)), seedGranules(batch(32, 32), batch(48, 8)), seedScript())
	f.Add(seedShared(0, 0, 0, word(0, 17, 0, protocol.WordCommitted), word(0, 0, 0, protocol.WordClaimed)), seedGranules(message(1<<31)), seedScript())
	f.Add(seedShared(0, 0, 0, word(0, 1, 5, protocol.WordSkipping), word(0, 3, 1, protocol.WordClaimed)), seedGranules(message(57)), seedScript())
	f.Add(seedShared(1<<63, 1<<63, 0, word(1<<31, 1, 0, protocol.WordCommitted)), seedGranules(message(3)), seedScript())
	m := guardedCrowd(f, fewGranules, smallGranule, 1)
	m.Drop = true
	const steps = 60 // each may walk for a while
	f.Fuzz(func(t *testing.T, shared, data, script []byte) {
		script = script[:min(len(script), 3*steps)]
		fillCrowd(m, shared, data)
		v := newcomers(t, m)
		for ; len(script) >= 3; script = script[3:] {
			who, what, n := int(script[0]%7), int(script[1]), uint64(script[2])*2
			switch {
			case who == 6:
				v.recover(script[1] % 6)
			case who < len(v.producers):
				v.produce(v.producers[who], what, n)
			case who >= 3 && who-3 < len(v.consumers):
				v.consume(v.consumers[who-3], what)
			}
		}
		for _, p := range v.producers {
			if p.Err() != nil {
				requireCorrupt(t, p.Err())
				_, err := NewMPMCConsumer(m, 6, func() {})
				require.ErrorIs(t, err, protocol.ErrCorrupt, "others must see it")
			}
		}
	})
}
