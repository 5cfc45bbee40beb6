// Package scorer evaluates gradient-boosted tree models one row at a time, without cgo, with the bits of the original
// library: [Model.Raw] returns the float64 that CatBoost's own RawFormulaVal returns, allocates nothing, never panics and
// is always finite.
//
// # What it reads
//
// CatBoost's binary format (.cbm) and CatBoost's JSON export: numeric features; categorical features with one-hot values and target
// statistics of every kind, also of combinations; symmetric and other trees; one output or several. A model with text or embedding
// features is refused with an error that names one of them and wraps [ErrUnsupported]. docs/models.md lists what was compared with
// which version of the library.
//
// # Trust
//
// A model file is untrusted input. [Load] checks every offset, index and size before it is used, bounds the file at
// [MaxFileSize], symmetric trees at depth 16 and everything else by stated limits, and needs memory in proportion to the file. A
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
// Categories are set in the row, before it is scored: row.SetString(3, "nl"), row.SetBytes(4, agent), row.SetInt(5, 200). They are
// hashed there; neither setting nor scoring allocates.
//
// A Model is immutable and may be shared by any number of goroutines; a [Row] belongs to one goroutine at a time.
//
// # Exactness
//
// Inputs and borders are float32, a split is passed when the value is strictly greater than the border, leaves are added in
// float64 in the order of the trees, and no multiplication is fused with an addition. The result does not depend on the
// architecture.
//
// # Tiers
//
// Symmetric trees are evaluated with AVX-512 or AVX2 where the machine has them, else in pure Go: see [Tier]. The result does not
// depend on that either. [TierVariable] and [Model.On] choose a tier.
package scorer
