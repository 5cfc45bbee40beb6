package traffic

import "math/bits"

// Versions from which browsers do what programs that copy their user agents often forget. They are
// public: the release notes of Chrome and Firefox, and caniuse.com.
const (
	hintsChromium    = 89
	fetchChromium    = 80
	fetchGecko       = 90
	brotliChromium   = 50
	brotliGecko      = 44
	zstdChromium     = 123
	zstdGecko        = 126
	priorityChromium = 124
	priorityGecko    = 128
)

// alpnCode returns the code of the first application protocol in a JA4.
func alpnCode(ja4 string) float32 {
	if len(ja4) < 10 {
		return nan
	}
	switch ja4[8:10] {
	case "00":
		return 0
	case "h1":
		return 1
	case "h2":
		return 2
	case "h3":
		return 3
	}
	return 4
}

// alpnOdd compares the protocol that a JA4 has first with the one that was spoken.
func alpnOdd(ja4 string, version uint8) float32 {
	code := alpnCode(ja4)
	if code != code || version == 0 || version >= 30 {
		return nan
	}
	return one((code == 2) != (version >= 20))
}

// isSecure reports whether ev is known to have come over TLS, or at least from a page that did.
// Browsers send some of their fields only then.
func isSecure(ev *Event) bool {
	return ev.JA4 != "" || ev.Version >= 20 || ev.Facts.Has(FactSecFetch) ||
		ev.Facts.Has(FactHintsSent)
}

// claimFeatures computes what the header fields claim, and where that contradicts itself.
func claimFeatures(ev *Event, kind PathKind, dst *[NumRequestFeatures]float32) {
	f := ev.Facts
	if !f.Has(FactClaimsKnown) {
		for i := atHints; i < atWireAgentAccept; i++ {
			dst[i] = nan
		}
		return
	}
	mode, secure := f.FetchMode(), isSecure(ev)
	engine, version := ParseEngine(ev.UserAgent)
	since := func(chromium, gecko int) bool {
		return engine == EngineChromium && version >= chromium ||
			engine == EngineGecko && version >= gecko
	}
	hints := f.Has(FactHintsSent)
	dst[atHints] = one(hints)
	dst[atHintsMissing] = one(secure && !hints && since(hintsChromium, maxVersion+1))
	dst[atHintsVersionOdd] = known(hints, one(f.Has(FactHintsVersion)))
	dst[atHintsBrandOdd] = known(hints, one(f.Has(FactHintsBrand)))
	dst[atHintsPlatformOdd] = known(hints, one(f.Has(FactHintsPlatform)))

	dst[atFetchMode] = float32(mode)
	dst[atFetchSite] = known(f.Has(FactSecFetch), float32(f.FetchSite()))
	dst[atFetchUser] = one(f.Has(FactFetchUser))
	dst[atFetchOdd] = one(f.Has(FactFetchOdd))
	dst[atFetchPathOdd] = known(f.Has(FactSecFetch),
		one(mode == FetchModeNavigate && (kind == PathAsset || kind == PathAPI)))
	dst[atFetchMissing] = one(secure && !f.Has(FactSecFetch) && since(fetchChromium, fetchGecko))

	accept, encoding := f.Accept(), f.Encoding()
	dst[atAccept] = float32(accept)
	dst[atAcceptOdd] = known(f.Has(FactSecFetch),
		one((mode == FetchModeNavigate) != (accept == AcceptDocument)))
	dst[atEncodings] = float32(encoding)
	// Media are asked for in no encoding.
	dst[atEncodingsOld] = one(secure && mode != FetchModeNoCORS &&
		(encoding < EncodingBrotli && since(brotliChromium, brotliGecko) ||
			encoding < EncodingZstd && since(zstdChromium, zstdGecko)))
	dst[atPriority] = one(f.Has(FactPrioritySent))
	dst[atPriorityMissing] = one(ev.Version >= 20 && mode == FetchModeNavigate &&
		!f.Has(FactPrioritySent) && since(priorityChromium, priorityGecko))
	dst[atUpgradeInsecure] = one(f.Has(FactUpgradeSent))
}

// wireFeatures computes what the bytes looked like.
func wireFeatures(f WireFacts, want parts, dst *[NumRequestFeatures]float32) {
	for at, order := range [...]FieldOrder{f.AgentAccept, f.EncodingLanguage, f.LanguageAccept,
		f.HintsAgent} {
		dst[atWireAgentAccept+at] = known(f.Seen, float32(order))
	}
	dst[atWireCookie] = known(f.Seen, float32(f.Cookie))
	if want&wireSetUp != 0 {
		setUpFeatures(f, dst)
	}
}

// setUpFeatures computes what differs between the versions of HTTP. What the other one has is NaN.
func setUpFeatures(f WireFacts, dst *[NumRequestFeatures]float32) {
	http1, http2 := f.Seen && f.Pseudo == 0, f.Pseudo != 0
	dst[atWireCase] = known(http1, float32(f.Case))
	dst[atWireHostFirst] = known(http1, one(f.HostFirst))
	dst[atWireConnection] = known(http1, float32(f.Connection))

	dst[atWirePseudo] = known(http2, float32(f.Pseudo))
	dst[atWireSettings] = known(http2, float32(bits.OnesCount8(f.Settings)))
	dst[atWireSettingTable] = known(http2, one(f.Settings&SettingTable != 0))
	dst[atWireSettingPush] = known(http2, one(f.Settings&SettingPush != 0))
	dst[atWireSettingStreams] = known(http2, one(f.Settings&SettingStreams != 0))
	dst[atWireSettingFrame] = known(http2, one(f.Settings&SettingFrame != 0))
	dst[atWireSettingHeaders] = known(http2, one(f.Settings&SettingHeaders != 0))
	dst[atWireWindow] = known(http2, windowLog2(f.Window))
	dst[atWireConnectionWindow] = known(http2, windowLog2(f.ConnectionWindow))
	dst[atWirePriorityFrames] = known(http2, one(f.PriorityFrames))
	dst[atWireHeadersPriority] = known(http2, one(f.HeadersPriority))
}

func windowLog2(class uint8) float32 {
	if class == 0 {
		return 0
	}
	return float32(class) + leastWindowLog2
}
