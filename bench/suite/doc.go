// Package suite is the harness of the comparison: what is to be measured, in which order, for how long, and what came of it. What a contestant
// is stands in bench/README.md. Rounds go over everything that is measured, and in a round the contestants of one key run directly one
// after the other, in an order that is drawn anew, between two measurements of the machine's own speed: a drift of the machine hits all
// alike, and shows.
package suite
