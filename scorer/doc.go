// Package scorer evaluates gradient-boosted tree models in pure Go and Go assembly, with the same
// bits as the library that trained them: [Model.Raw] returns CatBoost's RawFormulaVal, LightGBM's
// raw score or XGBoost's margin. It allocates nothing and never panics, and its result is finite
// with the exceptions that its comment lists.
//
// # What it reads
//
// CatBoost's binary format (.cbm) and CatBoost's JSON export: numeric features; categorical
// features with one-hot values and target statistics of every kind, also of combinations; symmetric
// and asymmetric trees; one or several outputs. A model with text or embedding features is refused
// with an error that names one of them and wraps [ErrUnsupported].
//
// LightGBM's text, of versions v2 to v4, and XGBoost's JSON and UBJ: missing values, categories,
// linear trees, random forests, dart, several outputs, and the objective, which
// [Model.AppendPrediction] applies. docs/models.md lists what was compared with which version of
// each library.
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
//	scratch := model.NewScratch() // one for each goroutine
//	raw, err := model.Raw(scratch, inputs) // one value for each of model.Features()
//	if err != nil {
//		return err // there are more or fewer, or one of another kind is set in the scratch
//	}
//	score := scorer.Score(model.Probability(raw))
//
// A row is a slice with one value for each of [Model.Features], in their order, and NaN where a
// value is missing; [Model.FeatureIndex] finds the position of a feature by its name. A slice of
// another length is always an error that wraps [ErrMismatch].
//
// Categories are set in the scratch before the row is scored: scratch.SetString(3, "nl"),
// scratch.SetBytes(4, agent), scratch.SetInt(5, 200). They are hashed when they are set; neither
// setting nor scoring allocates. The comment of [Scratch] says what they mean in each library.
//
// A Model is immutable and may be shared by any number of goroutines; a [Scratch] may be used by
// one goroutine at a time. The examples of this package show each of these steps.
//
// # Outputs, probabilities, classes
//
// A model has one or several outputs, [Model.Outputs]. [Model.Raw] and [Model.AppendRaw] return
// them untransformed, as sums of leaves. Their meaning depends on what the model was trained for,
// [Model.Objective]:
//
//   - Two classes: one output, the log-odds of the positive class.
//   - Several classes: one output for each, in the order of the classes.
//   - Several labels that do not exclude each other (CatBoost's MultiLogloss): one output for each,
//     its log-odds.
//   - A regression or ranking: one output for each target.
//
// [Model.AppendPrediction] transforms them as the library's predict does: into the probability of
// the positive class or of each class, or the expected value. [Model.Probability] does the same for
// one raw output of a model of two classes, and [Score] maps a probability to 1..99.
//
// [Model.Class] returns the class that a classifier decides for, as a number from 0: of two
// classes, 1 is the positive one; of several, it is the number of the output. If the file has
// labels, it is the position in [Model.Classes]. CatBoost writes the labels of the training data,
// the negative one first. LightGBM and XGBoost do not write labels: their classes are numbers, and
// if LGBMClassifier was trained with other labels, class k is its classes_[k].
// [Model.PositiveClass] returns the label whose probability a model of two classes predicts, "1" if
// the file has no labels; [SameClass] compares labels.
//
// A class that was declared to CatBoost and that no training row had is an output like the others,
// with the value -Inf: see [ErrAbsentClass].
//
// # Many rows, several models, new models, explanations
//
// [Model.AppendRawBatch] scores the rows of a matrix on several processors, with the same bits as
// row by row. A [Set] evaluates several models on one row, such as the active one and a shadow, and
// translates each input once. A [Holder] replaces the model in use by one that takes the same
// inputs, and rejects others with the reason. [Model.Explain] returns which features moved the
// output most, and by how much; [Model.AppendLeaves] returns the leaves that a row falls into.
//
// # Exactness
//
// Inputs are float32, also for LightGBM, which compares them with float64. Leaves are added in the
// order of the trees, in float64 or, for XGBoost, float32, and no multiplication is fused with an
// addition. The result does not depend on the architecture.
//
// [Model.Fast] returns a view of a model that adds the leaves in another order, which takes less
// time. Its result does not depend on the architecture either, and is within a stated bound of the
// library's.
//
// # Tiers
//
// Symmetric trees are evaluated with AVX-512 or AVX2 where the machine has them, binary ones with
// AVX-512, else in pure Go: see [Tier]. The result does not depend on that either. [TierVariable]
// and [Model.On] choose a tier.
package scorer
