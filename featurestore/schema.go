package featurestore

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dgryski/go-metro"
)

// Bounds of a schema.
const (
	MaxDimensions = 32
	MaxColumns    = 1024 // in one dimension
	maxName       = 64   // bytes of a name
	maxSchemaJSON = 1 << 20
)

// fingerprintSeed seeds the schema's fingerprint. It is part of the format.
const fingerprintSeed = 0x736368656d61

// Schema lists the dimensions and columns of a table.
type Schema struct {
	Dimensions []Dimension `json:"dimensions"`
}

// Dimension is one hash table: its name and the columns of its rows.
type Dimension struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Column is one feature of a dimension.
type Column struct {
	Name  string        `json:"name"`
	Unit  string        `json:"unit,omitempty"`
	Decay time.Duration `json:"decay_ns,omitempty"` // of fading at read time; 0: does not fade
}

// encode returns the schema's bytes in an image: JSON, because people read it too, and readers
// decode it only when it changes.
func (s Schema) encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(s)
	if err == nil && len(b) > maxSchemaJSON {
		err = fmt.Errorf("%d bytes, at most %d are allowed", len(b), maxSchemaJSON)
	}
	return b, err
}

func decodeSchema(b []byte) (Schema, error) {
	var s Schema
	if len(b) > maxSchemaJSON {
		return s, formatErrorf("schema: %d bytes, at most %d are allowed", len(b), maxSchemaJSON)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, formatErrorf("schema: %v", err)
	}
	if err := s.check(); err != nil {
		return s, formatErrorf("schema: %v", err)
	}
	return s, nil
}

func (s Schema) check() error {
	if n := len(s.Dimensions); n == 0 || n > MaxDimensions {
		return fmt.Errorf("%d dimensions, 1 to %d are allowed", n, MaxDimensions)
	}
	seen := make(map[string]bool)
	for _, d := range s.Dimensions {
		if err := checkName(d.Name, seen); err != nil {
			return fmt.Errorf("dimension %w", err)
		}
		if n := len(d.Columns); n == 0 || n > MaxColumns {
			return fmt.Errorf("dimension %s has %d columns, 1 to %d are allowed", d.Name, n, MaxColumns)
		}
		if err := d.check(); err != nil {
			return err
		}
	}
	return nil
}

func (d Dimension) check() error {
	seen := make(map[string]bool)
	decays := make(map[time.Duration]bool)
	for _, c := range d.Columns {
		if err := checkName(c.Name, seen); err != nil {
			return fmt.Errorf("dimension %s: column %w", d.Name, err)
		}
		if c.Decay < 0 {
			return fmt.Errorf("dimension %s: column %s has the decay %v, which is negative", d.Name, c.Name, c.Decay)
		}
		decays[c.Decay] = true
	}
	delete(decays, 0)
	if n := len(decays); n > maxDecays {
		return fmt.Errorf("dimension %s has %d different decays, at most %d are allowed", d.Name, n, maxDecays)
	}
	return nil
}

func checkName(name string, seen map[string]bool) error {
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, "/ \t\r\n"):
		return fmt.Errorf("name %q: 1 to %d bytes of UTF-8 without blanks and slashes are allowed", name, maxName)
	case seen[name]:
		return fmt.Errorf("name %q is used twice", name)
	}
	seen[name] = true
	return nil
}

// schemaFingerprint identifies a schema by its bytes.
func schemaFingerprint(encoded []byte) uint64 { return metro.Hash64(encoded, fingerprintSeed) }

// dimension returns the index of the named dimension, or -1.
func (s Schema) dimension(name string) int {
	for i, d := range s.Dimensions {
		if d.Name == name {
			return i
		}
	}
	return -1
}

// column returns the index of the named column, or -1.
func (d Dimension) column(name string) int {
	for i, c := range d.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}
