// Package scorer evaluates gradient-boosted tree models one row at a time, without cgo, with the bits of the original
// library: [Model.Raw] returns what CatBoost's own RawFormulaVal returns, LightGBM's raw score or XGBoost's margin, allocates nothing,
// never panics and is finite, but for what its comment says.
//
// # What it reads
//
// CatBoost's binary format (.cbm) and CatBoost's JSON export: numeric features; categorical features with one-hot values and target
// statistics of every kind, also of combinations; symmetric and other trees; one output or several. A model with text or embedding
// features is refused with an error that names one of them and wraps [ErrUnsupported].
//
// LightGBM's text, of versions v2 to v4, and XGBoost's JSON and UBJ: missing values, categories (as codes), linear trees, random
// forests, dart, several outputs, and the objective, which [Model.AppendPrediction] applies. docs/models.md lists what was compared
// with which version of which library.
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
//	raw, err := model.Raw(row, inputs) // one value for each of model.Features()
//	if err != nil {
//		return err // there are more or fewer
//	}
//	score := scorer.Score(model.Probability(raw))
//
// Categories are set in the row, before it is scored: row.SetString(3, "nl"), row.SetBytes(4, agent), row.SetInt(5, 200). They are
// hashed there; neither setting nor scoring allocates.
//
// A Model is immutable and may be shared by any number of goroutines; a [Row] belongs to one goroutine at a time.
//
// # Several models, new models, explanations
//
// A [Set] evaluates several models on one row, such as the active one and a shadow, and looks at each input once. A [Holder] replaces the
// model in use by one that takes the same inputs, and refuses another with the reason. [Model.Explain] says which features
// moved the output of a model of any format most, and by how much.
//
// # Exactness
//
// Inputs are float32, also for LightGBM, which compares them with float64. Leaves are added in the order of the trees, in float64 or,
// for XGBoost, float32, and no multiplication is fused with an addition. The result does not depend on the architecture.
//
// [Model.Fast] gives a view of a model that adds the leaves in another order, which takes less time. Its result does not depend on the architecture
// either, and is within a stated bound of the library's.
//
// # Tiers
//
// Symmetric trees are evaluated with AVX-512 or AVX2 where the machine has them, ordinary ones with AVX-512, else in pure Go: see [Tier]. The result does not
// depend on that either. [TierVariable] and [Model.On] choose a tier.
package scorer
