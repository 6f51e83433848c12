package seam

// Site names an access. Names say operation, then word.
type Site uint8

// Accesses of an MPMC ring. A name with Load only reads.
const (
	None Site = iota

	ClaimTailLoad  // a producer looks where the tail is
	ClaimWordLoad  // and at the word there
	ClaimInnerLoad // and at those that the frame would cover
	ClaimPadding   // padding before the end of the data: free to abandoned
	ClaimWord      // free to claimed
	ClaimTail      // the hint where the tail is
	ClaimPayload   // the message is written
	CommitLoad     // whether the claim is still ours
	CommitWord     // claimed to committed
	AbortWord      // claimed to abandoned

	TakeHeadLoad // a consumer looks where the head is
	TakeWordLoad // and at the word there
	TakeWord     // committed to taken
	TakeHead     // the hint where the head is
	TakePayload  // the message is read
	SkipWord     // abandoned to skipping
	SkipHead     // the hint where the head is
	TakeProgress // messages of a batch that are finished
	OrphanSeen   // the generation of orphans is looked at
	OrphanLoad   // a word is looked at for an orphan
	OrphanTake   // orphan to taken
	OrphanPut    // taken to orphan: a consumer that leaves hands its frame back
	OrphanTell   // the generation of orphans grows
	ReleaseInner // an inner word becomes free for the next lap
	ReleaseWord  // the first word becomes free for the next lap

	RecoverLoad    // a recoverer looks at a word
	RecoverAbandon // claimed to abandoned
	RecoverOrphan  // taken to orphan
	RecoverInner   // an inner word of the dead one's frame becomes free
	RecoverWord    // the first word of it becomes free
	RecoverTell    // the generation of orphans grows
	RecoverStatus  // the entry is marked as one of a dead participant
	RecoverDone    // the lease of the dead one is given back

	// Accesses of an SPSC ring.
	SendTail      // the tail is published
	SendFrame     // a frame is written behind the tail
	SendPadding   // padding is written behind the tail
	ReceiveCursor // the cursor says what is in hand
	ReceiveHead   // credit is given back

	// Attaching and leaving.
	AttachDisplace // a death is told of elsewhere: its entry is taken by another role
	AttachStatus   // the entry becomes active
	DetachStatus   // the entry becomes closed
	DetachLease    // the lease is given back
	Members        // the generation of members grows

	// The gates.
	WaitFlag     // S1, the flag goes up
	WaitSleep    // S3
	WakeFlag     // W3, the flag goes down
	WakeSequence // W4
	WakeAll      // W5

	Poison
	Sites // how many there are
)
