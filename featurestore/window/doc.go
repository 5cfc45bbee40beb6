// Package window folds requests into features: the sliding-window aggregation that the daemon runs live and that
// offline tools run over logs.
//
// What it promises:
//
//   - time is an argument. Nothing here reads a clock, so a replay of the same observations gives the same rows, bit
//     for bit, that the live daemon had;
//   - memory is bounded: each dimension keeps at most Config.MaxKeys keys. When it is full, a new key takes the place
//     of the one that was idle longest among eight picked at random, and that is counted; a key idle for Config.Idle
//     is dropped;
//   - folding an observation allocates nothing once the tables have grown;
//   - time that runs backwards counts as no time at all.
//
// Sums are exponentially decayed (see traffic.Fold). Distinct counts are exact up to 15 and then estimates of a
// HyperLogLog of 64 registers, with a standard error of 13 % (1.04/sqrt(64), Flajolet et al. 2007). Gap statistics
// forget: after the first 64 gaps every new one weighs 1/64.
//
// An Aggregator is for one goroutine.
package window
