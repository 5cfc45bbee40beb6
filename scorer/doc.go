// Package scorer evaluates gradient-boosted tree models one row at a time, in pure Go, with the bits of the original
// library: [Model.Raw] returns the float64 that CatBoost's own RawFormulaVal returns, allocates nothing, never panics and
// is always finite.
//
// # What it reads
//
// CatBoost's binary format (.cbm) and CatBoost's JSON export, with numeric features and oblivious (symmetric) trees, of one
// output or several. A model that needs more (categorical, text or embedding features, non-symmetric trees) is refused with an error that names what is missing and wraps [ErrUnsupported].
//
// # Trust
//
// A model file is untrusted input. [Load] checks every offset, index and size before it is used, bounds the file at
// [MaxFileSize], trees at depth 16 and everything else by stated limits, and needs memory in proportion to the file. A
// damaged file is a [*FormatError].
//
// # Use
//
//	model, err := scorer.LoadFile("bots.cbm")
//	if err != nil {
//		return err
//	}
//	row := model.NewRow() // one for each goroutine
//	raw := model.Raw(row, inputs)
//	score := scorer.Score(scorer.Probability(raw))
//
// A Model is immutable and may be shared by any number of goroutines; a [Row] belongs to one goroutine at a time.
//
// # Exactness
//
// Inputs and borders are float32, a split is passed when the value is strictly greater than the border, leaves are added in
// float64 in the order of the trees, and no multiplication is fused with an addition. The result does not depend on the
// architecture.
package scorer
