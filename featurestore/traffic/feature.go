package traffic

import "time"

// Feature declares one inter-request feature: what is counted for a key of its dimension and how
// its value is computed from that. It is data, which package window interprets.
type Feature struct {
	Dimension Dimension
	Name      string // lower case, unique in its dimension, ends with its window where it has one
	Unit      string
	Fold      Fold
	Why       string // one line: how it separates people from bots, or what it protects
}

// FullName returns the name in models, schemas and flags: dimension/name.
func (f Feature) FullName() string { return f.Dimension.String() + "/" + f.Name }

// Fade returns the time constant with which the value decays while nothing happens, 0 where it does
// not: sums, rates, parts, peaks and the number of open requests decay; shares, distinct counts and
// statistics of gaps stay what they were at the key's last event.
func (f Feature) Fade() time.Duration {
	switch f.Fold.Kind {
	case FoldSum, FoldRate, FoldPart, FoldOpen:
		return f.Fold.Window
	case FoldPeak:
		return f.Fold.Memory
	}
	return 0
}

// Steady reports whether a flood by one client hardly changes the value for others. That is so in
// every dimension whose keys are of one client or customer. Strangers share the other keys: one of
// them could spoil the value for the rest, or a bot could hide behind them. There only these are
// steady: what the user agent says; what is usual over many minutes, which a flood of k minutes
// moves by at most k/(W+k), where W is the sum of the minutes' weights; the lag behind the newest
// version of a browser, which rises by at most one in twelve hours; the share of all clients, of
// which 15 a minute count; and the new addresses of a network beyond what is usual of the host,
// which only addresses of that network move, each once in half a day.
func (f Feature) Steady() bool {
	switch f.Dimension {
	case DimNet, DimUserAgent, DimWire, DimProgramWire, DimHost:
		return f.Fold.Kind == FoldUsual || f.Fold.Kind == FoldAgent ||
			f.Fold.Measure == MeasureVersionLag || f.Fold.Measure == MeasureNewClients ||
			f.Fold.Measure == MeasureNewWireClients ||
			f.Fold.Measure == MeasureNewAddresses && f.Fold.Kind == FoldExcess
	}
	return true
}

// UnknownIf returns facts. If all events of a key have one of them, their source lacks an input of
// the value, which is then unknown; 0 would claim that there was none.
func (f Feature) UnknownIf() Facts {
	facts := f.Fold.Measure.unknownIf()
	if f.Fold.Kind == FoldShare {
		facts |= f.Fold.Per.unknownIf()
	}
	if f.Fold.Kind == FoldOpen {
		facts |= FactDurationUnknown
	}
	return facts
}

// unknownIf returns the facts with which the measure is unknown.
func (m Measure) unknownIf() Facts {
	switch m {
	case MeasureOriginSeconds:
		return FactDurationUnknown
	case MeasureHostPart:
		return FactHostUnknown
	case MeasureOriginPart:
		return FactHostUnknown | FactDurationUnknown
	}
	return 0
}

// Fold is how a feature's value is computed from the events of a key. All sums decay exponentially
// with time constant Window: an event of age t counts exp(-t/Window), so that a steady rate r sums
// to r*Window, as much as a window of that length holds.
type Fold struct {
	Kind   FoldKind
	Window time.Duration
	Memory time.Duration // the time constant with which a peak decays
	// a key with a peak as high keeps its row for Memory, even if idle; 0: no key does
	Keep    float32
	Measure Measure   // what is added; for gaps, the events that they are between
	Per     Measure   // the divisor of a share
	Usual   Measure   // what an excess subtracts
	Damp    float32   // added to the divisor of an excess, so that a few events exceed little
	Object  Object    // what a distinct count is of
	Fact    AgentFact // the fact of the user agent
}

// FoldKind is a way to fold.
type FoldKind uint8

// The ways to fold.
//
// [FoldUsual] is made of the minutes before that of the last event. A minute of age t weighs
// n/(n+8) times exp(-t/Window), where n is its sum of Per; the value is NaN until the weights add
// up to 2. Of a minute the first 15 events of each client count. A client is a network, and within
// a network an address; those that share one of 32 places count as one.
const (
	FoldSum   FoldKind = iota // decayed sum of Measure
	FoldRate                  // the same, per second
	FoldShare                 // sum of Measure / sum of Per; NaN where that is 0
	// rate over Window / rate over ten times Window, both of Measure
	FoldAcceleration
	// distinct Objects in the last half to whole Window before the last event; NaN: none known
	FoldDistinct
	// length of the run of events with Measure > 0 that ends with the last event
	FoldStreak
	// events with Measure > 0 since the last one with Per > 0, without decay
	FoldSince
	FoldSeen // 1 once an event had Measure > 0
	FoldAge  // seconds from the key's first event to its last
	// mean of log2(1 + gap in ms); a gap is between two events with Measure > 0
	FoldGapMean
	FoldGapMin       // shortest gap in the last half to whole Window, seconds
	FoldGapVariation // standard deviation of the gaps / their mean
	FoldGapEntropy   // entropy of the gaps over log2 buckets, bits
	FoldPathEntropy  // entropy of the path kinds over Window, bits
	FoldAgent        // Fact of the user agent of the key
	// entropy of the events over the 24 hours of the day (UTC), bits
	FoldHourEntropy
	FoldPart // decayed sum of Measure, but at most 1
	// mean number of open requests older than OpenAfter, over Window, decayed
	FoldOpen
	// highest sum of Measure over Window at an event, which decays with Memory
	FoldPeak
	// sum of Measure - Usual / sum of Per + Damp, from -1 to 1; NaN where the sum of Per is 0
	FoldExcess
	// usual of the key's clients: mean share of Measure in Per, by minutes
	FoldUsual
	// sum of Measure / distinct Objects, both over Window; NaN without objects
	FoldPerObject
	FoldLast // Measure of the last event
	// sum of Measure / Per of the last event, at most 1; NaN where that is 0
	FoldFraction
	NumFoldKinds
)
