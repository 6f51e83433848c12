package main

import (
	"shmpipe/bench/peers/flipcall"
	"shmpipe/bench/peers/grpc"
	"shmpipe/bench/peers/gvisorpipe"
	"shmpipe/bench/peers/mangos"
	"shmpipe/bench/peers/shmipc"
)

var contestants = []contestant{
	{"gvisor-pipe", gvisorpipe.Transport{Pauses: 1}},
	{"gvisor-pipe-64", gvisorpipe.Transport{Pauses: 64}},
	{"gvisor-flipcall", flipcall.Transport{}},
	{"shmipc", shmipc.Transport{}},
	{"mangos", mangos.Transport{}},
	{"grpc", grpc.Transport{}},
}
