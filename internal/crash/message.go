package crash

// MinMessage is the shortest message that [Encode] makes, in bytes.
const MinMessage = 3 * 8

// Message is what a message says of itself.
type Message struct {
	Sender uint16
	Seq    uint64 // of the sender's; 47 bits
	Batch  bool   // it is one of a batch
	Began  int64  // when its sender began to send it, nanoseconds of whatever clock the sender has
}

const (
	batchBit = 1 << 47
	seqBits  = batchBit - 1
)

// Encode makes a message of the length of buf: its sender, its number, the time, a checksum over all of it, and a body that depends
// on sender and number. A message that is torn, cut, or mixed with another one does not decode.
func Encode(buf []byte, m Message) {
	id := uint64(m.Sender)<<48 | m.Seq&seqBits
	if m.Batch {
		id |= batchBit
	}
	put(buf, id)
	put(buf[8:], uint64(m.Began))
	body := buf[MinMessage:]
	for i, x := 0, id; i < len(body); i++ {
		if i%8 == 0 {
			x = mix(x + 1)
		}
		body[i] = byte(x >> (i % 8 * 8))
	}
	put(buf[16:], sum(buf))
}

// Decode reports what a message says, and whether it is whole.
func Decode(msg []byte) (m Message, whole bool) {
	if len(msg) < MinMessage {
		return m, false
	}
	id := get(msg)
	m = Message{Sender: uint16(id >> 48), Seq: id & seqBits, Batch: id&batchBit != 0, Began: int64(get(msg[8:]))}
	return m, get(msg[16:]) == sum(msg)
}

// sum is a checksum of a message's length and of all its bytes but those of the checksum.
func sum(msg []byte) uint64 {
	h := mix(uint64(len(msg)))
	h = mix(h ^ get(msg))
	h = mix(h ^ get(msg[8:]))
	body := msg[MinMessage:]
	for ; len(body) >= 8; body = body[8:] {
		h = mix(h ^ get(body))
	}
	for _, b := range body {
		h = mix(h ^ uint64(b))
	}
	return h
}

// mix is a permutation of the 64-bit numbers that spreads each bit over all.
func mix(x uint64) uint64 {
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

func put(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}

func get(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}
