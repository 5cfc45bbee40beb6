// Package window folds requests into features. It is the sliding-window aggregation of the daemon
// and of offline tools.
//
// What it promises:
//
//   - time is an argument. Clocks are read only to measure how long a publication takes, so a
//     replay of the same observations has the same rows, bit for bit, as the live daemon, with any
//     Config.Workers;
//   - memory is bounded: each dimension keeps at most Config.MaxKeys keys, in flat arrays of
//     Aggregator.MaxBytes at most. While a dimension is at least half full a key gets its row on
//     its Config.Promote-th event; when it is full, a new row takes the place of the one that was
//     idle longest among eight picked at random; a key idle for Config.Idle is dropped. Each is
//     counted. All this holds for each of the shards into which a dimension is cut by the keys'
//     hash;
//   - folding an observation allocates nothing once the arrays have grown;
//   - publishing (Feed) and checkpoints (Checkpointer) hold up the aggregation for milliseconds
//     only: changed rows are copied in parcels, and computed, published and written elsewhere;
//   - a wall clock that is set changes no feature, whenever and by how much it is
//     (Aggregator.Clock). Otherwise time that runs backwards counts as no time at all, and an event
//     more than a day after the last Tick as of then;
//   - a checkpoint serves other releases too, as far as they keep the same of a key.
//
// Errors, beside the rounding of float32 (2e-5 of the value after thousands of events):
//
//   - sums are exponentially decayed (see traffic.Fold), without further error. A key that appeared
//     under pressure lacks its first Promote-1 events, or more where it is slower than the sketch
//     that counted them forgets;
//   - distinct counts are exact up to 15, but for one in 600 where two of 15 hashes share 16 bits;
//     beyond they are estimates of a HyperLogLog of 64 registers, with a standard error of 13 %
//     (1.04/sqrt(64), Flajolet et al. 2007);
//   - gap statistics forget: after the first 64 gaps every new one weighs 1/64.
//
// An Aggregator, its Feed and its Checkpointer are for one goroutine.
package window
