package crowd

import (
	"fmt"

	"shmpipe/protocol"
)

func init() {
	contestants["mpmc"] = engine{mode: protocol.MPMC}
	contestants["mpmc-copy"] = engine{mode: protocol.MPMC, copyOut: true} // as the textbook, whose consumers copy
	contestants["mpmc-batch"] = engine{mode: protocol.MPMC, batch: 16}
	for _, granule := range []int{64, 128, 256} { // for the choice of docs/adr/0012-granules-and-words.md
		for _, shift := range []int{0, 3, 4} {
			contestants[fmt.Sprintf("mpmc-%d-%d", granule, shift)] = engine{mode: protocol.MPMC, granule: granule, shift: shift}
			contestants[fmt.Sprintf("mpmc-batch-%d-%d", granule, shift)] = engine{mode: protocol.MPMC, granule: granule, shift: shift, batch: 16}
		}
	}
}
