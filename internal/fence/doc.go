// Package fence has other threads execute a full memory barrier, so that a path that runs for each message needs none.
//
// It serves two Dekker races, in which each side stores its own word and then loads the other's, and at least one of them must
// see the other. That takes a barrier between store and load on both sides. One side of each race is rare and the other is
// not, so the rare side pays for both:
//
//   - Close of an endpoint against a method that runs ("closed", "in use"): [Process];
//   - a consumer that is about to sleep against a producer that publishes ("sleeping", "tail"): [Global].
package fence
