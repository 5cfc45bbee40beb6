package featurestore

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/headgate/headgate/mmapsync"
)

// Publisher publishes tables of one schema under a path, for any number of readers in other processes. It is for one
// goroutine. There is one publisher for a path: a second one is refused (mmapsync.ErrLocked).
type Publisher struct {
	*Builder
	writer *mmapsync.Writer
}

// OpenPublisher takes over path, or makes its files. The seed of the keys' hash is that of the table which a former
// publisher left there, so that readers' keys stay right, and random where there was none. To read it takes one of
// the path's reader slots for a moment: where all are taken, that is an error (mmapsync.ErrNoSlot).
func OpenPublisher(path string, schema Schema, options mmapsync.WriterOptions) (*Publisher, error) {
	b, err := NewBuilder(schema, 0)
	if err != nil {
		return nil, err
	}
	w, err := mmapsync.OpenWriter(path, options)
	if err != nil {
		return nil, err
	}
	// The writer's lock comes first: under it nobody else changes what is published.
	if b.seed, err = seedAt(path); err != nil {
		w.Close()
		return nil, err
	}
	return &Publisher{Builder: b, writer: w}, nil
}

// Publish ends the image begun last and gives it to the readers.
func (p *Publisher) Publish() error {
	image := p.Image()
	if len(image) == 0 {
		return errors.New("feature table: Publish without an image that was begun")
	}
	_, err := p.writer.Publish(image)
	return err
}

// Close lets go of the path. What was published stays readable.
func (p *Publisher) Close() error { return p.writer.Close() }

// seedAt gives the seed of the table at path, or a random one where there is none or what is there is none. Trouble
// with the system is an error: a seed changed for its sake would make everything unknown that is kept by key.
func seedAt(path string) (seed uint64, err error) {
	s, err := Open(path)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	err = s.View(func(t *Table) error { seed = t.Seed; return nil })
	var damaged *mmapsync.FormatError
	var foreign *FormatError
	if errors.Is(err, mmapsync.ErrNotPublished) || errors.As(err, &damaged) || errors.As(err, &foreign) {
		return randomSeed()
	}
	return seed, err
}

func randomSeed() (uint64, error) {
	var b [8]byte
	if _, err := crand.Read(b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}
