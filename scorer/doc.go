// Package scorer evaluates gradient-boosted tree models, one row at a time or many, without cgo,
// with the bits of the original library: [Model.Raw] returns what CatBoost's own RawFormulaVal
// returns, LightGBM's raw score or XGBoost's margin, allocates nothing, never panics and is finite,
// but for what its comment says.
//
// # What it reads
//
// CatBoost's binary format (.cbm) and CatBoost's JSON export: numeric features; categorical
// features with one-hot values and target statistics of every kind, also of combinations; symmetric
// and other trees; one output or several. A model with text or embedding features is refused with
// an error that names one of them and wraps [ErrUnsupported].
//
// LightGBM's text, of versions v2 to v4, and XGBoost's JSON and UBJ: missing values, categories,
// linear trees, random forests, dart, several outputs, and the objective, which
// [Model.AppendPrediction] applies. docs/models.md lists what was compared with which version of
// which library.
//
// # Trust
//
// A model file is untrusted input. [Load] checks every offset, index and size before it is used,
// bounds the file at [MaxFileSize], symmetric trees at depth 16 and everything else by stated
// limits, and needs memory in proportion to the file. A damaged file is a [*FormatError].
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
//		return err // there are more or fewer, or one of another kind is set in the row
//	}
//	score := scorer.Score(model.Probability(raw))
//
// A row is a slice with one value for each of [Model.Features], in their order, and NaN where a
// value is missing; [Model.FeatureIndex] finds the position of a feature by its name. A slice of
// another length is an error that wraps [ErrMismatch], wherever rows are taken: nothing is filled
// in or left out.
//
// Categories are set in the row, before it is scored: row.SetString(3, "nl"), row.SetBytes(4,
// agent), row.SetInt(5, 200). They are hashed there; neither setting nor scoring allocates. [Row]
// says what they are to each library.
//
// A Model is immutable and may be shared by any number of goroutines; a [Row] belongs to one
// goroutine at a time. The examples of this package show each of these steps.
//
// # Outputs, probabilities, classes
//
// A model answers a row with one number or several: [Model.Outputs]. [Model.Raw] and
// [Model.AppendRaw] return them as the trees add them up. What they are follows from what the model
// was trained for, [Model.Objective]:
//
//   - Two classes: one output, the log-odds of the positive class.
//   - Several classes: one output for each, in the order of the classes.
//   - Several labels that do not exclude each other, as CatBoost's MultiLogloss has them: one output for each, its log-odds.
//   - A regression or ranking: one output for each target.
//
// [Model.AppendPrediction] returns what the library's predict makes of them: the probability of the
// positive class or of each class, or the expected value. [Model.Probability] does the same for one
// raw output of a model of two classes, and [Score] maps a probability to 1..99.
//
// [Model.Class] returns the class that a classifier decides for, as a number from 0: of two classes
// 1 is the positive one, and of several it is the number of the output. It is the position in
// [Model.Classes], the labels, for files that have labels. CatBoost writes them as they stood in
// the training data, the negative one first of two. LightGBM and XGBoost write none: their labels
// are these numbers, and where LGBMClassifier was given other labels, class k is its classes_[k].
// [Model.PositiveClass] is the label whose probability a model of two classes predicts, "1" where
// the file has no labels, and [SameClass] compares labels.
//
// Classes that a CatBoost model was told of and that no training row had are outputs like the
// others, of -Inf: [ErrAbsentClass].
//
// # Many rows, several models, new models, explanations
//
// [Model.AppendRawBatch] scores the rows of a matrix on several processors, with the bits that each
// has alone. A [Set] evaluates several models on one row, such as the active one and a shadow, and
// looks at each input once. A [Holder] replaces the model in use by one that takes the same inputs,
// and refuses another with the reason. [Model.Explain] says which features moved the output of a
// model of any format most, and by how much; [Model.AppendLeaves] which leaves a row falls into.
//
// # Exactness
//
// Inputs are float32, also for LightGBM, which compares them with float64. Leaves are added in the
// order of the trees, in float64 or, for XGBoost, float32, and no multiplication is fused with an
// addition. The result does not depend on the architecture.
//
// [Model.Fast] gives a view of a model that adds the leaves in another order, which takes less
// time. Its result does not depend on the architecture either, and is within a stated bound of the
// library's.
//
// # Tiers
//
// Symmetric trees are evaluated with AVX-512 or AVX2 where the machine has them, ordinary ones with
// AVX-512, else in pure Go: see [Tier]. The result does not depend on that either. [TierVariable]
// and [Model.On] choose a tier.
package scorer
