package window

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/dgryski/go-metro"
)

// checkpointReader reads a checkpoint from its front. Beside what it restores it needs a piece of
// memory, whatever the file says.
type checkpointReader struct {
	file   *os.File
	buf    *bufio.Reader
	rest   int64 // bytes that were not read yet
	hash   uint64
	header checkpointHeader
	piece  []uint32 // for cells of another layout, and what is skipped
}

// openCheckpoint opens a regular file. A file that is not one is not even opened, since that may
// block.
func openCheckpoint(path string) (*checkpointReader, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &checkpointReader{file: f, buf: bufio.NewReaderSize(f, 1<<16), rest: info.Size(),
		hash: checkpointSeed}, nil
}

// read fills b. No more is asked for than the file has.
func (r *checkpointReader) read(b []byte) error {
	if int64(len(b)) > r.rest {
		return damaged("it ends early")
	}
	r.rest -= int64(len(b))
	_, err := io.ReadFull(r.buf, b)
	return err
}

// readHashed fills b, which is of one piece or less.
func (r *checkpointReader) readHashed(b []byte) error {
	if err := r.read(b); err != nil || len(b) == 0 {
		return err
	}
	r.hash = metro.Hash64(b, r.hash)
	return nil
}

// checkHash reads a hash, which must be the one so far.
func (r *checkpointReader) checkHash() error {
	var b [hashBytes]byte
	if err := r.read(b[:]); err != nil {
		return err
	}
	if le.Uint64(b[:]) != r.hash {
		return damaged("its hash does not match")
	}
	return nil
}

func (r *checkpointReader) readHeader() error {
	b := make([]byte, checkpointPreface)
	if err := r.read(b); err != nil {
		return err
	}
	if string(b[:8]) != checkpointMagic {
		return fmt.Errorf("begins with %q, expected %q: not a checkpoint of this release", b[:8],
			checkpointMagic)
	}
	n := le.Uint32(b[8:])
	if n > maxHeader {
		return damaged("its header is too long")
	}
	b = append(b, make([]byte, n)...)
	if err := r.read(b[checkpointPreface:]); err != nil {
		return err
	}
	r.hash = metro.Hash64(b, r.hash)
	if err := r.checkHash(); err != nil {
		return err
	}
	if err := r.header.decode(b[checkpointPreface:]); err != nil {
		return damaged("%w", err)
	}
	if r.header.order != byteOrder() {
		return fmt.Errorf("of a machine with another byte order")
	}
	return nil
}

// sectionInfo is what the head of a shard's section says.
type sectionInfo struct {
	places, sketch int
	random         uint64
	added          uint32
}

// readHead reads the head of a section of cells of the given size.
func (r *checkpointReader) readHead(words int) (s sectionInfo, err error) {
	var b [sectionHead]byte
	if err := r.readHashed(b[:]); err != nil {
		return s, err
	}
	s.places, s.sketch = int(le.Uint32(b[:])), int(le.Uint32(b[16:]))
	s.random, s.added = le.Uint64(b[8:]), le.Uint32(b[20:])
	if int64(s.places)*int64(4*words)+int64(s.sketch) > r.rest {
		return s, damaged("it ends early")
	}
	return s, nil
}

// eachPiece reads so many cells a piece at a time and has use look at each piece.
func (r *checkpointReader) eachPiece(places, words int, use func(cells []uint32) error) error {
	for left := places; left > 0; {
		n := min(left, pieceWords/words)
		left -= n
		if r.piece == nil {
			r.piece = make([]uint32, pieceWords)
		}
		cells := r.piece[:n*words]
		if err := r.readHashed(wordBytes(cells)); err != nil {
			return err
		}
		if err := use(cells); err != nil {
			return err
		}
	}
	return nil
}

// readInto reads a run of bytes in pieces of the given size.
func (r *checkpointReader) readInto(b []byte, size int) error {
	for len(b) > 0 {
		n := min(size, len(b))
		if err := r.readHashed(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// skipToEnd reads so many bytes and the section's hash.
func (r *checkpointReader) skipToEnd(n int) error {
	for n > 0 {
		if r.piece == nil {
			r.piece = make([]uint32, pieceWords)
		}
		b := wordBytes(r.piece)[:min(n, pieceBytes)]
		if err := r.readHashed(b); err != nil {
			return err
		}
		n -= len(b)
	}
	return r.checkHash()
}

// skipPart reads a dimension that this release does not have.
func (r *checkpointReader) skipPart(part *checkpointPart) error {
	words := int(part.words)
	for range part.shards {
		s, err := r.readHead(words)
		if err == nil {
			err = r.eachPiece(s.places, words, func([]uint32) error { return nil })
		}
		if err == nil {
			err = r.skipToEnd(s.sketch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
