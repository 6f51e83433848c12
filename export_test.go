package shmpipe

// LongestSleep is after how long a sleep ends by itself, whatever happens: what a wake-up costs that is lost.
const LongestSleep = longest
