package mqueue

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func sample() *header {
	return &header{
		kind: SysV, mode: protocol.MPMC, participants: 64, capacity: 16384, maxMessage: 100000, messageSize: 8192, messages: 2, key: 0x12345679, transient: true,
		created: time.Unix(0, 1234567890123456789), uuid: [16]byte{1, 2, 3, 15: 16}, name: "orders", why: "a reason",
	}
}

// A change of these bytes is a change of the format, which wants another version.
func TestHeader_HasTheseBytes(t *testing.T) {
	b := sample().encode()
	require.Equal(t, "53484d504d51310a"+"01000000"+"02000000"+"02000000"+"40000000"+"0040000000000000"+"a086010000000000"+"00200000"+"02000000"+"79563412"+"01000000"+
		"1581e97df4102211"+"01020300000000000000000000000010"+"06000000"+hex.EncodeToString([]byte("orders")), hex.EncodeToString(b[:offName+6]))
	require.Equal(t, "08000000"+hex.EncodeToString([]byte("a reason")), hex.EncodeToString(b[offWhyLength:offWhy+8]))
	h, err := decode(b)
	require.NoError(t, err)
	require.Equal(t, sample(), h)
}

func TestHeader_EveryByteIsChecked(t *testing.T) {
	for at := range offChecksum + 4 {
		b := sample().encode()
		b[at] ^= 0x40
		_, err := decode(b)
		require.True(t, errors.Is(err, protocol.ErrNotSegment) || errors.Is(err, protocol.ErrVersion) || errors.Is(err, protocol.ErrCorrupt), "byte %d: %v", at, err)
	}
}

func TestHeader_ValuesAreCheckedAlsoUnderARightChecksum(t *testing.T) {
	for name, change := range map[string]func(h *header){
		"participants": func(h *header) { h.participants = 1 },
		"capacity":     func(h *header) { h.capacity = 0 },
		"max message":  func(h *header) { h.maxMessage = mostMessage + 1 },
		"message size": func(h *header) { h.messageSize = fragmentHeader },
		"messages":     func(h *header) { h.messages = 0 },
		"name":         func(h *header) { h.name = "a/b" },
		"no name":      func(h *header) { h.name = "" },
		"mode":         func(h *header) { h.mode = 9 },
		"kind":         func(h *header) { h.kind = 9 },
	} {
		h := sample()
		change(h)
		_, err := decode(h.encode())
		require.ErrorIs(t, err, protocol.ErrCorrupt, name)
	}
}

func TestEntry_IsReadAsWritten(t *testing.T) {
	e := entry{state: protocol.EntryActive, role: protocol.RoleConsumer, pid: 7, pidSpace: 8, start: 9, attached: 10, command: [16]byte{'x'}, takes: 11,
		sent: Counters{1, 2, 3, 4, 5}, received: Counters{6, 7, 8, 9, 10}}
	require.Equal(t, e, decodeEntry(e.encode()))
}

func FuzzParse(f *testing.F) {
	b := make([]byte, fragmentHeader+3)
	fragment{flags: fragmentFirst | fragmentLast, total: 3}.put(b)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		g, part, err := parse(b, 1000)
		if err != nil {
			return
		}
		if uint64(g.offset)+uint64(len(part)) > uint64(g.total) || g.total > 1000 {
			t.Fatalf("accepted %+v with %d bytes", g, len(part))
		}
	})
}
