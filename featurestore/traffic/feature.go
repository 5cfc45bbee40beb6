package traffic

import "time"

// Feature declares one inter-request feature: what is kept for a key of its dimension and how its value comes from
// that. It is data; package window interprets it.
type Feature struct {
	Dimension Dimension
	Name      string // lower case, unique in its dimension, ends with its window where it has one
	Unit      string
	Fold      Fold
	Why       string // one line: what it tells people from bots by, or what it protects
}

// FullName is the name that models, schemas and flags use: dimension/name.
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

// Steady reports whether a flood leaves the value for everybody else nearly what it was. In a dimension where a key is one
// client's, or one customer's, that goes without saying. Where strangers share a key, one of them could condemn the others
// by what it does, or a bot whitewash itself by what they do: there only what the user agent says of itself is steady, and what
// is usual of many minutes, which a flood of k minutes moves by at most k/(W+k), where W is the sum of the minutes' weights.
// The newest version of a browser rises by one in twelve hours at most, and of all clients 15 a
// minute are counted. New addresses of a network beyond what is usual of the host are moved by addresses of that very network
// alone, each once in half a day: a flood of many requests hardly does, and who takes all addresses of a network has it.
func (f Feature) Steady() bool {
	switch f.Dimension {
	case DimNet, DimUserAgent, DimWire, DimProgramWire, DimHost:
		return f.Fold.Kind == FoldUsual || f.Fold.Kind == FoldAgent || f.Fold.Measure == MeasureVersionLag || f.Fold.Measure == MeasureNewClients ||
			f.Fold.Measure == MeasureNewWireClients || f.Fold.Measure == MeasureNewAddresses && f.Fold.Kind == FoldExcess
	}
	return true
}

// UnknownIf returns the facts any of which makes the value unknown, where they are of all events of a
// key: a source that does not tell what the value is made of. Without it the value would be 0,
// which claims that there was none.
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

// unknownIf returns the facts with which nobody knows the measure.
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

// Fold is how a feature's value comes from the events of a key. All sums are exponentially decayed with time constant
// Window: an event of age t counts exp(-t/Window), so that a steady rate r gives r*Window, which is what a window of
// that length would hold.
type Fold struct {
	Kind    FoldKind
	Window  time.Duration
	Memory  time.Duration // how long a Peak is remembered: the time constant with which it fades
	Keep    float32       // a key whose Peak is as high keeps its row for Memory, however idle it is; 0: none does
	Measure Measure       // what is added; for gap statistics, the events that gaps lie between
	Per     Measure       // the divisor of a Share
	Usual   Measure       // what an Excess leaves out
	Damp    float32       // what is added to the divisor of an Excess, so that a few events exceed little
	Object  Object        // what a Distinct counts
	Fact    AgentFact     // what an Agent tells
}

// FoldKind names a way to fold.
type FoldKind uint8

// The ways to fold.
//
// A Usual is made of the minutes before the last event's. A minute of the age t weighs n/(n+8) times
// exp(-t/Window), where n is its sum of Per; the value is NaN until the weights add up to 2. Of a
// minute the first 15 events of each client count. A client is a network, and within a network an
// address; those that share one of 32 places count as one.
const (
	FoldSum          FoldKind = iota // decayed sum of Measure
	FoldRate                         // the same, per second
	FoldShare                        // sum of Measure / sum of Per; NaN where that is 0
	FoldAcceleration                 // rate over Window / rate over ten times Window, both of Measure
	FoldDistinct                     // distinct Objects in the last one half to one Window before the key's last event; NaN where none was ever known
	FoldStreak                       // length of the unbroken run of events with Measure > 0 that ended with the last event
	FoldSince                        // number of events with Measure > 0 since the last one with Per > 0, without decay
	FoldSeen                         // 1 once an event had Measure > 0
	FoldAge                          // seconds from the key's first event to its last
	FoldGapMean                      // mean of log2(1 + gap in milliseconds), where a gap is the time between two events with Measure > 0; Requests: between any two
	FoldGapMin                       // shortest gap that ended in the last one half to one Window before the last event with Measure > 0, seconds
	FoldGapVariation                 // standard deviation of the gaps / their mean
	FoldGapEntropy                   // entropy of the gaps over log2 buckets, bits
	FoldPathEntropy                  // entropy of the path kinds over Window, bits
	FoldAgent                        // Fact of the user agent that the key's row was made for
	FoldHourEntropy                  // entropy of the events over the 24 hours of the day (UTC), bits
	FoldPart                         // decayed sum of Measure, but at most 1
	FoldOpen                         // mean number of requests open over Window that lasted longer than OpenAfter by then: the integral of that number, decayed, per Window
	FoldPeak                         // the largest that the decayed sum of Measure over Window was at an event, which counts exp(-t/Memory) at the age t
	FoldExcess                       // sum of Measure - Usual / sum of Per + Damp, from -1 to 1; NaN where the sum of Per is 0
	FoldUsual                        // what is usual of the key's clients: the mean share of Measure in Per, by minutes
	FoldPerObject                    // decayed sum of Measure / distinct Objects, both over Window; NaN where there is no object
	FoldLast                         // Measure of the last event
	FoldFraction                     // decayed sum of Measure / Per of the last event, at most 1; NaN where that is 0
	NumFoldKinds
)
