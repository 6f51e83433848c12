//go:build !linux

package contest

var contestants map[string]contestant
