package main

import "shmpipe/protocol"

func init() {
	contestants["mpmc"] = pipe{mode: protocol.MPMC}
	contestants["mpmc-copy"] = pipe{mode: protocol.MPMC, copyOut: true} // as the textbook, whose consumers copy
	contestants["mpmc-batch"] = pipe{mode: protocol.MPMC, batch: 16}
}
