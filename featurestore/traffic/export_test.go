package traffic

// The codes and bounds that tests of the public API compare with.
const (
	BrowserNone     = browserNone
	BrowserChrome   = browserChrome
	BrowserSafari   = browserSafari
	BrowserFirefox  = browserFirefox
	BrowserEdge     = browserEdge
	BrowserOpera    = browserOpera
	BrowserSamsung  = browserSamsung
	BrowserExplorer = browserExplorer
	BrowserOther    = browserOther

	OSNone     = osNone
	OSWindows  = osWindows
	OSMacOS    = osMacOS
	OSLinux    = osLinux
	OSAndroid  = osAndroid
	OSIOS      = osIOS
	OSChromeOS = osChromeOS

	MaxMethod    = maxMethod
	MaxUserAgent = maxUserAgent
	MaxJA4       = maxJA4
	MaxOrigin    = maxOrigin
	MaxBytes     = maxBytes
	MaxDuration  = maxDuration
)
