//go:build gc && !purego

#include "textflag.h"

// func block(p uintptr)
TEXT ·block(SB), NOSPLIT|NOFRAME, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PSTL1KEEP
	PRFM 64(R0), PSTL1KEEP
	PRFM 128(R0), PSTL1KEEP
	PRFM 192(R0), PSTL1KEEP
	PRFM 256(R0), PSTL1KEEP
	PRFM 320(R0), PSTL1KEEP
	PRFM 384(R0), PSTL1KEEP
	PRFM 448(R0), PSTL1KEEP
	RET

// func line(p uintptr)
TEXT ·line(SB), NOSPLIT|NOFRAME, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PSTL1KEEP
	RET

// func read(p uintptr)
TEXT ·read(SB), NOSPLIT|NOFRAME, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PLDL1KEEP
	RET
