package limits

import "github.com/headgate/headgate/internal/base/keyhash"

// Hasher hashes keys that clients may choose. Without its secret nobody can choose two keys with
// the same hash, or one that shares a counter with a given other one. All methods are safe for
// concurrent use and allocate nothing.
type Hasher struct {
	hasher *keyhash.Hasher
}

// NewHasher returns a hasher with a random secret.
func NewHasher() *Hasher { return &Hasher{keyhash.New(keyhash.NewSecret())} }

// Hash returns a 64-bit hash of key under the secret.
//
// Any b bits of the hashes of two different keys of up to 512 bytes, however they were chosen, are
// equal with probability 2^-b over the secret.
func (h *Hasher) Hash(key []byte) uint64 { return h.hasher.Hash(key) }
