//go:build !amd64 && !arm64

package prefetch

func line(*byte) {}

func lines(*byte, uintptr) {}

func each(*Line, uintptr) {}
