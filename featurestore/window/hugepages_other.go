//go:build !linux

package window

func adviseHuge([]byte) {}
