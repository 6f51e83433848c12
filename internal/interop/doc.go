// Package interop holds a peer in C that was written from docs/protocol.md alone, and a test that has it exchange messages with
// this implementation. If one side strays from the document, the test fails.
package interop
