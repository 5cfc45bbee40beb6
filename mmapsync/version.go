package mmapsync

import "github.com/dgryski/go-metro"

// The bits of a version word, frozen by the state file that mmap-sync 2.x shares with us.
const (
	sizeShift     = 1
	sizeBits      = 39
	checksumShift = sizeShift + sizeBits
	checksumBits  = 24
)

// MaxSize is the size in bytes of the largest snapshot, 512 GiB less one byte.
const MaxSize = 1<<sizeBits - 1

// Version is the word that announces a publication: bit 0 is the index of the data file, bits 1-39
// the size in bytes, bits 40-63 a checksum. It is not a sequence number: publishing the same bytes
// again may give the same Version. The Version of a publication is never 0; 0 means that nothing
// has been published.
type Version uint64

// newVersion packs a version word; index is 0 or 1 and size at most [MaxSize]. The checksum is the
// low 24 bits of the content's hash, with 0 made 1, so that no publication has the word 0. Frozen
// by the format.
func newVersion(index int, size int64, hash uint64) Version {
	checksum := hash & (1<<checksumBits - 1)
	if checksum == 0 {
		checksum = 1
	}
	return Version(checksum<<checksumShift | uint64(size)<<sizeShift | uint64(index))
}

// Index returns the number of the data file that has the snapshot, 0 or 1.
func (v Version) Index() int { return int(v & 1) }

// Size returns the length of the snapshot in bytes, 0 to [MaxSize].
func (v Version) Size() int64 { return int64(v >> sizeShift & MaxSize) }

// Checksum returns the 24-bit checksum of the snapshot.
func (v Version) Checksum() uint32 { return uint32(v >> checksumShift) }

// hashSeed is frozen by the format: "hg-mmsyn" as little-endian bytes.
const hashSeed = 0x6e79736d6d2d6768

// contentHash returns the 64-bit metro hash of a snapshot's bytes.
func contentHash(content []byte) uint64 { return metro.Hash64(content, hashSeed) }
