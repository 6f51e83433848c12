package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHandshake_ReadsWhatItWrites(t *testing.T) {
	want := handshake{pid: 123, fd: 9, uuid: "00112233445566778899aabbccddeeff"}
	got, err := parseHandshake([]byte(want.String()))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Less(t, len(handshake{pid: 1 << 31, fd: 1 << 31, uuid: want.uuid}.String()), handshakeMost)
}

func TestHandshake_RefusesAnythingElse(t *testing.T) {
	for _, line := range []string{
		"", "\n", "hello\n", "shmpipe\n", "shmpipe 1 2 3\n", "shmpipe 2 123 9 00112233445566778899aabbccddeeff\n",
		"shmpipe 1 -1 9 00112233445566778899aabbccddeeff\n", "shmpipe 1 123 -9 00112233445566778899aabbccddeeff\n",
		"shmpipe 1 123 9 00112233\n", "shmpipe 1 123 9 ../../../../../../etc/passwd\n", "shmpipe 1 0 9 00112233445566778899aabbccddeeff\n",
		"shmpipe 1 123 9 00112233445566778899aabbccddeeff", "shmpipe 1 123 9 00112233445566778899aabbccddeeff x\n",
		"shmpipe 1 99999999999999999999 9 00112233445566778899aabbccddeeff\n", "shmpipe 1 007 9 00112233445566778899aabbccddeeff\n",
	} {
		_, err := parseHandshake([]byte(line))
		require.Error(t, err, "%q", line)
	}
}

func FuzzHandshake_NeverPanics(f *testing.F) {
	f.Add([]byte("shmpipe 1 123 9 00112233445566778899aabbccddeeff\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if h, err := parseHandshake(line); err == nil {
			require.Equal(t, string(line), h.String())
		}
	})
}
