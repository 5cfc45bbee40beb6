package traffic

import (
	"hash/maphash"

	"github.com/tinylib/msgp/msgp"
)

// Decoder decodes events as [Event.UnmarshalMsg] does, but faster if they have all fields in the
// order of this release. It reuses strings of recent events, since most events share them. It is
// for one goroutine.
type Decoder struct {
	seed    maphash.Seed
	strings [1 << 12]string // by hash, each no longer than an event has them
}

// NewDecoder returns a Decoder without strings.
func NewDecoder() *Decoder { return &Decoder{seed: maphash.MakeSeed()} }

// Decode sets ev to the event at the beginning of payload. After an error the content of ev is
// undefined.
func (d *Decoder) Decode(payload []byte, ev *Event) error {
	if *ev = (Event{}); d.decodeUsual(payload, ev) {
		return nil
	}
	*ev = Event{}
	_, err := ev.UnmarshalMsg(payload)
	return err
}

// decodeUsual returns false where payload is not as this release encodes an event.
func (d *Decoder) decodeUsual(payload []byte, ev *Event) (ok bool) {
	r := fieldReader{decoder: d}
	var fields uint32
	if fields, r.rest, r.err = msgp.ReadMapHeaderBytes(payload); fields != eventFields {
		return false
	}
	ev.Time = read(&r, "t", msgp.ReadInt64Bytes)
	if r.at("ip") {
		r.rest, r.err = msgp.ReadExactBytes(r.rest, ev.Client[:])
	}
	ev.Method = r.string("m")
	ev.Host = r.string("h")
	ev.Path = r.string("p")
	ev.PathSum = read(&r, "ps", msgp.ReadUint64Bytes)
	ev.Query = read(&r, "q", msgp.ReadUint16Bytes)
	ev.Link = read(&r, "l", msgp.ReadUint16Bytes)
	ev.Facts = Facts(read(&r, "f", msgp.ReadUint32Bytes))
	ev.UserAgent = r.string("ua")
	ev.AgentSum = read(&r, "us", msgp.ReadUint64Bytes)
	ev.JA4 = r.string("j")
	ev.Wire = Wire(read(&r, "w", msgp.ReadUint64Bytes))
	ev.Session = read(&r, "s", msgp.ReadUint64Bytes)
	ev.Origin = r.string("o")
	ev.Bytes = read(&r, "b", msgp.ReadUint64Bytes)
	ev.Duration = read(&r, "d", msgp.ReadUint64Bytes)
	ev.Reported = read(&r, "to", msgp.ReadUint64Bytes)
	ev.Status = read(&r, "st", msgp.ReadUint16Bytes)
	ev.Headers = read(&r, "hc", msgp.ReadUint8Bytes)
	ev.Version = read(&r, "v", msgp.ReadUint8Bytes)
	ev.Score = read(&r, "sc", msgp.ReadUint8Bytes)
	ev.Action = read(&r, "a", msgp.ReadUint8Bytes)
	ev.Refused = read(&r, "r", msgp.ReadBoolBytes)
	ev.Open = read(&r, "op", msgp.ReadBoolBytes)
	return r.err == nil && !r.unusual
}

// eventFields is how many fields an encoded event has.
const eventFields = 25

// fieldReader reads the fields of an event one after the other. After an error, or a field that is
// not the next one, it reads nothing more.
type fieldReader struct {
	decoder *Decoder
	rest    []byte
	err     error
	unusual bool
}

// at reports whether the field of this name is next, and goes on to its value.
func (r *fieldReader) at(name string) bool {
	const short = 0xa0 // of MessagePack's strings below 32 bytes, with the length
	n := 1 + len(name)
	if r.err != nil || len(r.rest) < n || r.rest[0] != short|byte(len(name)) ||
		string(r.rest[1:n]) != name {
		r.unusual = true
		return false
	}
	r.rest = r.rest[n:]
	return true
}

func read[T any](r *fieldReader, name string, next func([]byte) (T, []byte, error)) (value T) {
	if r.at(name) {
		value, r.rest, r.err = next(r.rest)
	}
	return value
}

func (r *fieldReader) string(name string) string {
	return r.decoder.keep(read(r, name, msgp.ReadStringZC))
}

// keep returns b as a string, if possible one of a recent event.
func (d *Decoder) keep(b []byte) string {
	if len(b) == 0 || len(b) > maxUserAgent {
		return string(b)
	}
	kept := &d.strings[maphash.Bytes(d.seed, b)%uint64(len(d.strings))]
	if *kept != string(b) {
		*kept = string(b)
	}
	return *kept
}
