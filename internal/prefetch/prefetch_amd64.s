//go:build gc && !purego

#include "textflag.h"

// PREFETCHW (AX) and PREFETCHW 64(AX), which the assembler does not know. Processors without it (Intel's before Broadwell) take it for
// a NOP.
#define FETCH BYTE $0x0F; BYTE $0x0D; BYTE $0x08
#define FETCH64 BYTE $0x0F; BYTE $0x0D; BYTE $0x48; BYTE $0x40

// func block(p uintptr)
TEXT ·block(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ p+0(FP), AX
	FETCH
	FETCH64
	ADDQ $128, AX
	FETCH
	FETCH64
	ADDQ $128, AX
	FETCH
	FETCH64
	ADDQ $128, AX
	FETCH
	FETCH64
	RET

// func line(p uintptr)
TEXT ·line(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ p+0(FP), AX
	FETCH
	RET

// func read(p uintptr)
TEXT ·read(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ p+0(FP), AX
	PREFETCHT0 (AX)
	RET
