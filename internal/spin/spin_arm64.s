//go:build gc && !purego

#include "textflag.h"

// func pause(n uint32)
// ISB and not YIELD: on cores without hardware threads YIELD is a no-op, so that a loop of it hammers the line it waits for.
// ISB drains the pipeline, which takes about as long as PAUSE does on amd64.
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVWU n+0(FP), R0
	CBZ R0, done
loop:
	ISB $15
	SUBW $1, R0, R0
	CBNZW R0, loop
done:
	RET

// func ticks() uint64
TEXT ·ticks(SB), NOSPLIT, $0-8
	MRS CNTVCT_EL0, R0
	MOVD R0, ret+0(FP)
	RET

// func frequency() uint64
TEXT ·frequency(SB), NOSPLIT, $0-8
	MRS CNTFRQ_EL0, R0
	MOVD R0, ret+0(FP)
	RET
