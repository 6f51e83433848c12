package report

import (
	"image/color"
	"math"
	"slices"
	"strings"
)

// family is what a contestant is made of. Tables and colours are ordered by it.
type family int

const (
	ours family = iota
	sharedMemory
	kernel
	library
	families
)

func (f family) String() string {
	return [...]string{"shmpipe", "other shared memory", "kernel mechanisms", "messaging libraries"}[f]
}

// Words of which a contestant's name consists, between the characters that names are put together with.
var (
	kernelWords = []string{"pipe", "fifo", "unix", "uds", "socketpair", "seqpacket", "tcp", "udp", "mq", "mqueue", "msgq", "sem", "eventfd", "vsock", "netlink",
		"signal", "pty", "splice", "vmsplice", "stdio"}
	libraryWords = []string{"zmq", "zeromq", "libzmq", "zmq4", "nng", "nanomsg", "mangos", "grpc", "nats", "dbus", "thrift", "rpc", "netrpc", "http",
		"redis", "kafka", "mqtt", "drpc", "ttrpc", "capnp", "capnproto", "rsocket", "websocket", "rpcx"}
	sharedWords = []string{"gvisor", "shm", "shmipc", "mmap", "ring", "memcpy", "memory", "slots", "raw", "vyukov", "boost", "prototype"}
)

func familyOf(name string) family {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "shmpipe") || strings.HasPrefix(name, "many-") { // many-segments: a channel for each pair
		return ours
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case has(libraryWords): // also over a kernel's mechanism: grpc-unix
		return library
	case has(sharedWords): // also if it is called a pipe: gvisor-pipe
		return sharedMemory
	case has(kernelWords):
		return kernel
	}
	return sharedMemory
}

// look is how a contestant is drawn, the same in all plots of a page.
type look struct {
	family family
	color  color.NRGBA
	dash   int // 0: solid
}

// Hues tell families apart, shades the members of one. All are dark enough for a white card; glyphs tell families apart without colour.
var shades = [families][]color.NRGBA{
	ours:         hex(0xc2003d, 0xf0457e, 0x7a0a3a, 0xe0218a, 0xa8527a, 0xff2f2f),
	sharedMemory: hex(0x08306b, 0x2b7bba, 0x00a3c4, 0x5b6fd6, 0x6aaed6, 0x1b4fd0, 0x3c8f9e, 0x8a9be0),
	kernel:       hex(0x00441b, 0x3a9e4e, 0x7fae1e, 0x0f7b5f, 0x8fcf7a, 0x5a6e14, 0x2fbf8a, 0xa9b93a),
	library:      hex(0x7f2704, 0xe6730f, 0xb8860b, 0xc84b16, 0xf2a24a, 0x8a5a2b, 0xd9953a, 0xa63603),
}

// tones stand for whole families, in keys and where a name stands beside the figure.
var tones = hex(0xc2003d, 0x2b7bba, 0x3a9e4e, 0xe6730f)

func hex(colors ...uint32) []color.NRGBA {
	var list []color.NRGBA
	for _, c := range colors {
		list = append(list, color.NRGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xff})
	}
	return list
}

// looksOf gives each of names, which are in order, a shade of its family.
func looksOf(names []string) map[string]look {
	looks := make(map[string]look, len(names))
	var used [families]int
	for _, name := range names {
		f := familyOf(name)
		n := used[f]
		used[f]++
		looks[name] = look{family: f, color: shades[f][n%len(shades[f])], dash: (n/2 + n/len(shades[f])) % 4} // who has to share a shade has another dash
	}
	return looks
}

// textColor is a colour as letters have it: as dark as it takes to be read on white.
func textColor(c color.NRGBA) color.NRGBA {
	for contrast(c) < 4.5 {
		c.R, c.G, c.B = uint8(float64(c.R)*0.93), uint8(float64(c.G)*0.93), uint8(float64(c.B)*0.93)
	}
	return c
}

// contrast is that with white, from 1 to 21, as accessibility guidelines compute it.
func contrast(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 1.05 / (0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B) + 0.05)
}

// plainness orders our own: one producer and one consumer in a named file is what the others are compared with.
func plainness(name string) int {
	if familyOf(name) != ours {
		return 0
	}
	rank := 2 * strings.Count(name, "-")
	if strings.HasSuffix(name, "posix") || strings.HasSuffix(name, "spsc") {
		rank--
	}
	if strings.Contains(name, "mpmc") || !strings.HasPrefix(name, "shmpipe") {
		rank += 20
	}
	return rank
}
