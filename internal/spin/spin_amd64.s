//go:build gc && !purego

#include "textflag.h"

// func pause(n uint32)
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVL n+0(FP), AX
	TESTL AX, AX
	JZ done
loop:
	PAUSE
	DECL AX
	JNZ loop
done:
	RET

// func ticks() uint64
// No LFENCE: a fence would cost more than the few nanoseconds of order that it buys, and spin budgets do not need them.
TEXT ·ticks(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, ret+0(FP)
	RET
