// Package explain says in words why a model gave a request its score.
//
// What it promises:
//
//   - shares are Shapley values of the model's raw output: the base and all shares add up to it;
//   - features that say the same, in several windows or of several keys, are one [Reason], whose
//     share is the sum of theirs, so that nothing is counted twice or left out;
//   - words are made of the catalog's phrases ([traffic.Phrase]) and numbers alone: nothing that a
//     client sent is in them;
//   - a feature that is not known counts as well, and its words say that it is not known.
package explain
