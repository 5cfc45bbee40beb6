// Package explain explains in words why a model gave a request its score.
//
// What it promises:
//
//   - shares are Shapley values of the model's raw output: the base and all shares add up to it;
//   - features with the same meaning, in several windows or of several keys, are one [Reason],
//     whose share is the sum of theirs, so that nothing is counted twice or left out;
//   - words consist of the catalog's phrases ([traffic.Phrase]) and numbers only: they contain
//     nothing that a client sent;
//   - an unknown feature counts as well, and its words say that it is unknown.
package explain
