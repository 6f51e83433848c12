package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable replaces what could upset a terminal or hide what is there: control characters, marks of direction, broken UTF-8.
// Names and process names are whatever somebody chose.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// plural is a number and a word in the right form.
func plural(n uint64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return grouped(n) + " " + word + "s"
}
