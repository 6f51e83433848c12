//go:build !linux

package main

var contestants []contestant
