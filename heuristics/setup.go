package heuristics

import "github.com/headgate/headgate/featurestore/traffic"

// The orders of HTTP/2's pseudo-header fields.
var (
	masp = traffic.PseudoOrder("masp") // Chromium
	mpas = traffic.PseudoOrder("mpas") // Firefox
	mspa = traffic.PseudoOrder("mspa") // Safari before version 18, and URLSession
	msap = traffic.PseudoOrder("msap") // Safari since
)

// engineWindow is the class of the connection window of engines, 10 to 15 MiB. Libraries open it by
// less, by much more, or not at all.
const engineWindow = 8

// isOddHTTP1 reports whether no engine writes HTTP/1.1 like this.
func isOddHTTP1(f *traffic.WireFacts) bool {
	return f.Case != traffic.CaseCanonical || !f.HostFirst ||
		f.Connection == traffic.ConnectionMissing
}

// setupEngine returns the engine that sets up HTTP/2 like this, EngineNone if no engine does.
func setupEngine(f *traffic.WireFacts) traffic.Engine {
	sends := func(settings uint8) bool { return f.Settings&settings == settings }
	switch {
	case f.ConnectionWindow != engineWindow:
		return traffic.EngineNone
	case f.Pseudo == masp && f.HeadersPriority && !f.PriorityFrames &&
		sends(traffic.SettingTable|traffic.SettingWindow|traffic.SettingHeaders):
		return traffic.EngineChromium
	case f.Pseudo == mpas && sends(traffic.SettingTable|traffic.SettingWindow|traffic.SettingFrame):
		return traffic.EngineGecko
	case (f.Pseudo == mspa || f.Pseudo == msap) &&
		sends(traffic.SettingStreams|traffic.SettingWindow) && f.Settings&traffic.SettingTable == 0:
		return traffic.EngineWebKit
	}
	return traffic.EngineNone
}
