package scorer_test

import "strings"

// compatibilityIntro is the part of docs/models.md before the example of the package; ~ stands for
// a backtick.
var compatibilityIntro = strings.ReplaceAll(`# Models

Package ~scorer~ was compared with the libraries that train its models: each version trained small
models, one for each thing that a model can contain, and evaluated rows with values on borders and
beside them, infinities, missing values, categories that training did not see, empty ones and ones
of more than 64 bytes. The scripts are in ~scorer/testdata/make~. This file is written by

    go test ./scorer -run TestCompatibility -update

and the same test fails if it is not current. A cell has two results: for the raw output and, after
the slash, for the prediction (probabilities; the expected value of a count). ~=~ means the same
bits in every row and in each format that the library writes; a number is the largest difference, in
units in the last place (of a float32 for XGBoost); ~-~ means not compared. A third result is for
explanations (ShapValues, pred_contrib, pred_contribs): the largest difference of a feature's value,
relative to the sum of the magnitudes of all values of the row. XGBoost computes these in float32.
The third result covers the rows that the library explains, without those in which its values do not
add up to its own raw output: some rows where CatBoost skips branches that no training row took, and
nearly all of CatBoost's asymmetric trees.

CatBoost's models with monotone constraints are explained for training rows: for others its values
depend on which rows are explained together ([why](decisions/0035-who-gets-a-combination.md)). A
class that training did not have has the raw output -Inf, as in CatBoost, and no explanation
(~scorer.ErrAbsentClass~).

## Which function of the library

| library | raw output | prediction | leaves | iterations |
|---|---|---|---|---|
| CatBoost | ~predict(prediction_type='RawFormulaVal')~ | ~predict_proba~, or ~predict~ of a regressor | ~calc_leaf_indexes~ | all in the file, to which ~use_best_model~ wrote no more than it kept |
| LightGBM | ~Booster.predict(raw_score=True)~ | ~Booster.predict~ | ~Booster.predict(pred_leaf=True)~ | all in the file, to which ~save_model~ wrote no more than the best |
| XGBoost | ~Booster.predict(output_margin=True)~ | ~Booster.predict~ | ~Booster.predict(pred_leaf=True)~ | all in the file, also after early stopping. ~XGBClassifier~ and ~XGBRegressor~ use those up to the best: ~scorer.Loader{Best: true}~, ~--iterations best~ |

~Loader.Iterations~ uses the first iterations only, as ~ntree_end~, ~num_iteration~ and
~iteration_range~ do (tested with CatBoost 1.2.8, LightGBM 4.6.0 and XGBoost 3.2.0:
~TestFirstIterations~). ~headgate model info~ shows how many iterations a file has and how many are
used, and warns if early stopping found fewer best.

Leaves were compared with CatBoost 1.2.8, LightGBM 4.6.0 and XGBoost 3.2.0, in each of their formats
(~TestLeavesAreTheLibrarys~).

## From Go

~Model.AppendRaw~, ~AppendPrediction~ and ~AppendLeaves~ evaluate one row, ~AppendRawBatch~ and
~AppendPredictionBatch~ a matrix. A row has one value for each feature of the model; another length
is an error. The outputs, classes and labels of a model are explained in one place: ~go doc
github.com/headgate/headgate/scorer~, "Outputs, probabilities, classes". More examples, also of
explanations and batches, are in ~scorer/example_test.go~.

`, "~", "`")

// compatibilityCategories is the part of docs/models.md between the example and the tables; ~ stands
// for a backtick.
var compatibilityCategories = strings.ReplaceAll(`
## Categories

| library | what a category is | ~Scratch.SetString~, ~Scratch.SetBytes~ | ~Scratch.SetInt~ | a number in the slice | a category that training did not see |
|---|---|---|---|---|---|
| CatBoost | a text | the text | its decimal digits | the integer it is equal to; with a fraction it is missing, set by ~SetFloat~ an error | one more category |
| LightGBM, the file has values | a value, by its text | the value | the value, if all values are numbers; else the code | the code | missing |
| XGBoost, the file has values | a value, by its text | the value | the value, if all values are numbers; else the code | the code | an error (~scorer.ErrUnseen~) |
| LightGBM or XGBoost, the file has none | a code | an error (~scorer.ErrMismatch~) | the code | the code | a code that no split names |

A text for a numeric feature is an error, too, unless no tree uses the feature. A value that is not
set, or is NaN, is missing; CatBoost takes it as the text ~nan~, as Python prints it.
~Model.Categories~ lists the values that a file has, in the order of their codes, and
~Model.Category~ finds a code.

LightGBM's files have the values if it was trained in Python on a pandas data frame with columns of
type ~category~: the last line, ~pandas_categorical~. XGBoost's files have them since release 3.1,
for data frames of pandas, Arrow and others (~cats~). A number is its text as Python prints it:
~404~, ~0.5~, ~1e-05~. ~404.0~ is the same as ~404~, since pandas writes it so into a CSV file if
some of the column are missing. Truth values are ~True~ and ~False~, also ~true~ and ~false~, and
equal to 1 and 0, as in Python.

The filter and ~headgate replay~ pass numbers, which trees would take as codes: they refuse a model
with a category column whose values differ from their codes (~Model.TakesNumbers~). Train it on the
numbers themselves, named in ~categorical_feature~ or as ~feature_types~.

What was compared (~TestCategoriesOfDataFrames~): data frames with texts, integers, fractions, truth
values and mixed values as categories, categories that no split uses or that have one value, ordered
ones, missing values, and values that training did not see; with LightGBM 3.3.5 (pandas 1.5.3) and
4.6.0 (pandas 2.3.3), and XGBoost 3.1.1 and 3.2.0 (pandas 2.3.3, pyarrow 17.0.0; JSON and UBJ).
Peculiarities of these libraries:

* LightGBM does not say which list of values belongs to which feature. Lists are in the order of the
  columns of type ~category~, and so are mostly the features that it took as categories. But an
  ordered category has a list and is a number to LightGBM, and a column of integers that
  ~categorical_feature~ names is a category and has no list. A list is assigned to a feature only if
  no other assignment is possible: the codes that the feature had in training (~feature_infos~) must
  be below the length of the list, and as many categories as possible must have one. If more than
  one assignment is left, texts for the feature are an error, and codes work. One case cannot be
  detected: as many columns of type ~category~ that ~categorical_feature~ leaves out as columns of
  integers that it names. Do not mix them.
* XGBoost 3.1 and 3.2 refuse a value that training did not see only if it is greater than all that
  it saw; they take any other as the next greater one. Here all are errors.
* XGBoost 3.1 and 3.2 count characters for bytes when they read texts of a pandas column, so that
  values after one with characters other than ASCII are cut in the wrong places, in the file too. If
  the texts are therefore not UTF-8 they are not used, and setting a text is an error that says so.
  Arrow tables are read correctly.
* CatBoost in Python takes True and False of a column of type ~bool~ (or of a category of such) as
  the texts ~1~ and ~0~, but the texts ~True~ and ~False~ as they are. A CSV file has ~True~ and
  ~False~ for both. ~headgate model~ takes the text, and says so if a column has nothing else; write
  the column as integers (~df.c.astype(int)~) if it was ~bool~ in training. For a numeric feature
  True and False are 1 and 0, as pandas passes them to the libraries.

## Digits

* A file of XGBoost 1.0, 1.1 or 1.2 is evaluated with the bits of later releases that read it
  (~TestFilesOfXGBoostBefore13~: files of 1.0.2, 1.1.1 and 1.2.1, evaluated by 3.1.1 and 3.2.0).
  Those releases themselves add the base score to the sum of the leaves, whereas later ones start
  from it, so that the last digits differ unless the base score is zero, as that of
  ~binary:logistic~ is by default. Thresholds and leaves are exact in the file. The base score has
  six digits after the point in files of 1.0 and 1.1, which read it back less exactly than that
  (4e-6 of a margin); so a model that was trained in memory and its own file have different outputs.
* CatBoost reads its own JSON less exactly than it writes it: a part of the leaves is off by a unit
  or two in the last place (1.2.10: 308 of 6400), and so is a part of the outputs (321 of 2000 rows,
  by up to 25 units near 0). Here the JSON export has the bits of the ~.cbm~ file. Let ~headgate
  model verify~ compare with what CatBoost predicts after it has trained the model or loaded the
  ~.cbm~.
`, "~", "`")
